"""The kernel on every set of registers this machine has: long rows, wide layers, every layout."""

from __future__ import annotations

import dataclasses
import math
import os
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from actdiag import functions
from actdiag.stats import native
from actdiag.stats.library import backend
from actdiag.stats.picks import Bounds
from actdiag.stats.quantiles import _INFINITE, _SIGNED
from actdiag.stats.site import SiteAccumulator
from tests.stats.oracle import between_sample, unit_numbers
from tests.stats.test_site import accumulate, assert_same, assert_units
from tests.stats.values import DTYPES, STYLES, laid_out, to_numpy

FLOATS = tuple(native.CODES)
SIGMOID, TANH, GELU = (functions.get(name) for name in ("sigmoid", "tanh", "gelu"))
pytestmark = pytest.mark.usefixtures("every_register")


@st.composite
def large_tensors(draw, spoiled=True):
    """A tensor with axes long enough to fill registers and tiles, in any layout."""
    dtype = draw(st.sampled_from(FLOATS))
    style = draw(st.sampled_from(tuple(DTYPES[dtype])))
    sizes = st.sampled_from([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 50])
    shape = draw(st.lists(sizes, min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = STYLES[style](rng, shape)
    if spoiled and draw(st.booleans()):
        array[rng.random(shape) < 0.02] = rng.choice([np.nan, np.inf, -np.inf])
    return laid_out(torch.from_numpy(array).to(dtype), draw(st.integers(0, 4)))


@settings(max_examples=150)
@given(tensor=large_tensors(), data=st.data())
def test_units_equal_numpy(tensor, data):
    axes = st.integers(-tensor.dim(), tensor.dim() - 1)
    unit_axis, sample_axis = data.draw(axes), data.draw(st.none() | axes)
    site = accumulate(tensor, unit_axis=unit_axis, sample_axis=sample_axis)
    assert_units(site.to_record()[1], unit_numbers(to_numpy(tensor), unit_axis))


@settings(max_examples=100)
@given(tensor=large_tensors(), data=st.data())
def test_both_backends_say_the_same(tensor, data):
    axes = st.none() | st.integers(0, tensor.dim() - 1)
    known = {"unit_axis": data.draw(axes), "sample_axis": data.draw(axes)}
    function = data.draw(st.sampled_from([SIGMOID, TANH, GELU]))
    found = accumulate(tensor, function=function, **known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "plan_of", lambda *_, **__: None)
        wanted = accumulate(tensor, function=function, **known)
    (stats, units), (wanted_stats, wanted_units) = found.to_record(), wanted.to_record()
    share = wanted_stats.between_sample
    # Stock operations don't shift what holds a NaN, which costs digits far from zero.
    wanted_share = share if share is None else pytest.approx(share, rel=1e-7, abs=1e-18)
    assert stats.between_sample == wanted_share
    stats = dataclasses.replace(stats, between_sample=share)
    assert_same((stats,), (wanted_stats,))
    assert (units is None) == (wanted_units is None)
    if units is not None:
        assert_same((stats, units), (wanted_stats, wanted_units))
    kept = torch.cat((torch.arange(_INFINITE), torch.arange(_INFINITE) + _SIGNED))
    assert found.buckets.counts()[kept].equal(wanted.buckets.counts()[kept])


@pytest.mark.parametrize("way", [0, 4])
@pytest.mark.parametrize("each", [None, 7])
def test_both_backends_pick_the_same_of_late_samples(each, way):
    generator = torch.Generator().manual_seed(2)
    tensor = laid_out(torch.randn(900, 12, 5, 5, generator=generator), way)
    numbers = torch.arange(900) * 7
    found, wanted = SiteAccumulator(12, TANH), SiteAccumulator(12, TANH)
    axes = {"unit_axis": 1, "sample_axis": 0, "samples": 100}
    for part, own in zip(tensor.split(100), numbers.split(100), strict=True):
        given = {**axes, "numbers": None if each is None else own}
        found.update_input(part, **given)
        found.update(part, **given)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(native, "plan_of", lambda *_, **__: None)
            wanted.update_input(part, **given)
            wanted.update(part, **given)
    assert torch.equal(found.buckets.counts(), wanted.buckets.counts())
    slopes = [site.to_record()[0].mean_slope for site in (found, wanted)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-12)
    every = (1 - tensor.double().tanh() ** 2).mean().item()
    assert slopes[0] == pytest.approx(every, rel=0.03)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("way", range(5))
@pytest.mark.parametrize("shape", [(3, 5, 40, 40), (40, 3, 5, 6), (2, 1100, 3, 3), (70, 21)])
def test_more_samples_units_and_positions_than_are_read_at_once(shape, way, dtype):
    generator = torch.Generator().manual_seed(3)
    tensor = laid_out(torch.randn(shape, generator=generator).to(dtype), way)
    stats, units = accumulate(tensor).to_record()
    array = to_numpy(tensor)
    assert_units(units, unit_numbers(array, 1))
    if way != 3:  # of one sample, repeated
        assert stats.between_sample == pytest.approx(between_sample(array, 1, 0), rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("function", [TANH, GELU], ids=["tanh", "gelu"])
@pytest.mark.parametrize("shape", [(5, 600, 2, 2), (3, 530, 7), (40, 70, 2), (9, 90, 4, 4)])
def test_short_rows_of_many_units(shape, function, dtype):
    generator = torch.Generator().manual_seed(4)
    tensor = torch.randn(shape, generator=generator).mul(3).round(decimals=1).to(dtype)
    found = accumulate(tensor, function=function)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "plan_of", lambda *_, **__: None)
        wanted = accumulate(tensor, function=function)
    assert_units(found.to_record()[1], unit_numbers(to_numpy(tensor), 1))
    assert torch.equal(found.inputs.tables.settled(), wanted.inputs.tables.settled())


def test_positive_values_after_negative_ones_and_the_reverse():
    positive, negative = torch.rand(30, 17) + 1, -torch.rand(30, 17) - 1
    for parts in ((positive, negative), (negative, positive), (positive, positive)):
        site = SiteAccumulator(17)
        for part in parts:
            site.update(part, unit_axis=1, sample_axis=0, samples=30)
        assert_units(site.to_record()[1], unit_numbers(to_numpy(torch.cat(parts)), 1))


def test_a_mean_that_leaps_between_batches_leaves_a_small_deviation_its_digits():
    parts = [level + 1e-2 * torch.randn(500, 9) for level in (0.0, 1e4, -3e3)]
    for part in parts:
        site = SiteAccumulator(9)
        site.update(parts[0], unit_axis=1, sample_axis=0, samples=500)
        site.update(part, unit_axis=1, sample_axis=0, samples=500)
        whole = torch.cat((parts[0], part)).double().numpy()
        np.testing.assert_allclose(site.to_record()[1].std, whole.std(0), rtol=1e-10)


def test_the_kernel_is_what_measures():
    assert backend().name == "native"
    bounds = Bounds(9, 100)
    plan = native.plan_of(torch.rand(4, 6), unit_axis=1, sample_axis=0, samples=4, picks=bounds)
    assert (plan.units, plan.by_unit, plan.by_sample, plan.places) == (6, True, True, 6)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(2, 3, dtype=torch.int64),
        torch.zeros(2, 3, dtype=torch.complex64),
        torch.zeros(2, 3, device="meta"),
        torch.zeros(2, 3).to_sparse(),
        torch.zeros(2, 3).to_mkldnn(),
        torch._neg_view(torch.zeros(2, 3)),
    ],
    ids=["integers", "complex", "meta", "sparse", "mkldnn", "negated"],
)
def test_what_the_kernel_cannot_read_is_left_to_stock_operations(tensor):
    assert native.plan_of(tensor, unit_axis=1, sample_axis=0, samples=2) is None


def test_rows_that_lie_apart_are_copied_and_huge_ones_left_alone(monkeypatch):
    tensor = torch.randn(6, 4, 10)[:, ::2, ::2]
    site = accumulate(tensor)
    assert_units(site.to_record()[1], unit_numbers(to_numpy(tensor), 1))
    native.forget()
    monkeypatch.setattr(native, "MOST_COPIED", 10)
    assert native.plan_of(tensor, unit_axis=1, sample_axis=0, samples=6) is None
    native.forget()


def test_plans_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(native, "MOST_PLANS", 3)
    for rows in range(1, 12):
        accumulate(torch.rand(rows, 2))
        assert len(native._PLANS) <= 3


def test_slopes_wait_and_are_the_same(monkeypatch):
    tensor = torch.randn(9, 40, generator=torch.Generator().manual_seed(1))
    tensor[4, 4] = math.nan
    wanted = accumulate(tensor, function=TANH).to_record()[0].mean_slope
    site = SiteAccumulator(40, TANH)
    for row in tensor.split(1):
        site.update_input(row, unit_axis=1, sample_axis=0, samples=1)
    assert site.inputs.waits == 359
    assert site.inputs.slopes.sum() == 0
    site.update(tensor, unit_axis=1, sample_axis=0, samples=9)
    assert site.to_record()[0].mean_slope == pytest.approx(wanted, rel=1e-12)


@pytest.fixture
def threads():
    """Sets the number of torch's threads until the test ends."""
    yield torch.set_num_threads
    torch.set_num_threads(1)


SPREAD = [
    ((300, 1000), 1),
    ((40, 70, 90), 1),
    ((6, 100, 500), 2),
    ((60, 500, 2, 2), 1),
    ((2, 3, 300), 1),
    ((1, 900, 300), 2),
    ((5, 2, 200, 150), 3),
    ((5, 4, 90, 200), 1),
    ((1, 3, 250, 200), 1),
]


@pytest.mark.parametrize(("shape", "unit_axis"), SPREAD)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_number_of_threads_gives_the_same_but_for_rounding(shape, unit_axis, dtype, threads):
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(5)).to(dtype)
    axes = {"unit_axis": unit_axis, "sample_axis": 0, "function": TANH}
    wanted = accumulate(tensor, **axes)
    for number in (2, 3, 7):
        threads(number)
        found, again = accumulate(tensor, **axes), accumulate(tensor, **axes)
        for own, other in ((found.tables, wanted.tables), (found.samples, wanted.samples)):
            torch.testing.assert_close(own.settled(), other.settled(), rtol=1e-11, atol=1e-15)
        assert torch.equal(found.inputs.tables.settled(), wanted.inputs.tables.settled())
        assert torch.equal(found.buckets.counts(), wanted.buckets.counts())
        assert torch.equal(found.tables.settled(), again.tables.settled())
        assert torch.equal(found.samples.settled(), again.samples.settled())


@pytest.mark.parametrize(("shape", "unit_axis"), SPREAD)
def test_values_far_from_zero_keep_their_digits_on_several_threads(shape, unit_axis, threads):
    threads(3)
    tensor = 1e4 + 1e-2 * torch.randn(shape, generator=torch.Generator().manual_seed(6)).double()
    site = accumulate(tensor, unit_axis=unit_axis, sample_axis=0)
    assert_units(site.to_record()[1], unit_numbers(to_numpy(tensor), unit_axis))


def test_a_tensor_with_nan_is_the_same_on_several_threads(threads):
    threads(3)
    tensor = torch.randn(300, 1000)
    tensor[7, 999] = math.nan
    site = accumulate(tensor, function=TANH)
    assert_units(site.to_record()[1], unit_numbers(to_numpy(tensor), 1))
    assert site.to_record()[0].input_nonfinite == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_threads_of_the_parent_are_not_waited_for_after_a_fork(threads, monkeypatch):
    threads(3)
    tensor = torch.randn(300, 1000)
    accumulate(tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, as intended
        child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # torch itself would wait
        monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
        accumulate(tensor)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
