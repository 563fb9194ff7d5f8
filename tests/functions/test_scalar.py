"""The namespace for floats against torch's functions of the same names."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actdiag.functions import scalar

OF_ONE = ["abs", "erf", "exp", "expm1", "ones_like", "sigmoid", "tanh"]


@pytest.mark.parametrize("name", scalar.__all__)
def test_torch_offers_the_same_name(name):
    assert callable(getattr(torch, name))


@pytest.mark.parametrize("name", OF_ONE)
@given(x=st.floats(allow_nan=False))
def test_functions_of_one_number(name, x):
    expected = getattr(torch, name)(torch.tensor(x, dtype=torch.float64)).item()
    assert getattr(scalar, name)(x) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@given(x=st.floats(0, math.inf))
def test_log1p(x):
    expected = torch.log1p(torch.tensor(x, dtype=torch.float64)).item()
    assert scalar.log1p(x) == pytest.approx(expected, rel=1e-12)


@given(x=st.floats(), low=st.floats(-3, 0), high=st.floats(0, 3))
def test_clamp_and_where(x, low, high):
    tensor = torch.tensor(x, dtype=torch.float64)
    assert scalar.clamp(x, min=low, max=high) == pytest.approx(
        tensor.clamp(min=low, max=high).item(), nan_ok=True
    )
    assert scalar.where(x > 0, 1.0, scalar.full_like(x, 2.0)) == torch.where(tensor > 0, 1.0, 2.0)


@given(values=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8))
def test_vectors(values):
    tensor = torch.tensor(values, dtype=torch.float64)
    assert scalar.softmax(values) == pytest.approx(tensor.softmax(-1).tolist(), abs=1e-12)
    assert scalar.log_softmax(values, -1) == pytest.approx(tensor.log_softmax(-1).tolist())
    assert scalar.neg(values) == tensor.neg().tolist()
