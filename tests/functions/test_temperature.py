"""The worked numbers of the documentation, from the product's own function."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actdiag import functions
from actdiag.errors import UsageError

LOGITS = [2.0, 1.0, 0.1]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1.0, [0.659, 0.242, 0.099]),
        (0.5, [0.864, 0.117, 0.019]),
        (2.0, [0.502, 0.304, 0.194]),
    ],
)
def test_worked_numbers(temperature, expected):
    shares = functions.softmax(LOGITS, temperature=temperature)
    assert [round(share, 3) for share in shares] == expected


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_shares_sum_to_one_and_their_logarithms_agree(values, temperature):
    shares = functions.softmax(values, temperature)
    assert sum(shares) == pytest.approx(1)
    logarithms = functions.log_softmax(values, temperature)
    assert [math.exp(value) for value in logarithms] == pytest.approx(shares, rel=1e-9, abs=1e-300)


def test_low_temperature_sharpens_and_high_softens():
    largest = [max(functions.softmax(LOGITS, t)) for t in (0.1, 0.5, 1.0, 2.0, 100.0)]
    assert largest == sorted(largest, reverse=True)
    assert largest[-1] == pytest.approx(1 / 3, abs=0.01)


def test_one_class_is_always_certain():
    assert functions.softmax([-7.0]) == [1.0]


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_means_nothing_is_refused(temperature):
    with pytest.raises(
        UsageError, match=rf"^softmax was asked with temperature {temperature}\.\n"
    ) as caught:
        functions.softmax(LOGITS, temperature)
    assert caught.value.hint == (
        "Use a temperature above 0: below 1 sharpens, above 1 softens, 1 changes nothing."
    )


def test_no_values_are_refused():
    with pytest.raises(UsageError, match=r"^softmax was asked of no values at all\.\n") as caught:
        functions.softmax([])
    assert caught.value.hint == "Give at least one number (logit)."
