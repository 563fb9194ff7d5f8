"""The inputs of a function: range, saturated and linear regions, slopes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actdiag import functions
from actdiag.functions.row import ActivationFunction
from actdiag.stats.regions import count_within, is_relu
from actdiag.stats.site import SiteAccumulator
from tests.stats.oracle import by_unit
from tests.stats.values import tensors, to_numpy

FLOATS = (torch.float32, torch.float64, torch.float16)
ELEMENTWISE = [row for row in functions.ALL if row.elementwise and row.slope is not None]
pytestmark = pytest.mark.usefixtures("both_backends")


def after_inputs(tensor, function, *, samples=None, settings=None, unit_axis=1):
    site = SiteAccumulator(None, function, settings)
    known = {} if samples is None else {"sample_axis": 0, "samples": samples}
    site.update_input(tensor, unit_axis=unit_axis, **known)
    output = function.value(tensor.double(), torch, **{**function.settings, **(settings or {})})
    site.update(output, unit_axis=unit_axis, sample_axis=0, samples=len(tensor))
    return site.to_record()


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "hardtanh", "elu", "relu", "gelu"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tensor=tensors(dtypes=FLOATS))
def test_regions_equal_numpy(name, tensor):
    tensor = tensor if tensor.dim() > 1 else tensor.unsqueeze(1)
    function = functions.get(name)
    stats, units = after_inputs(tensor, function)
    array = (tensor.float() if tensor.dtype == torch.float16 else tensor).numpy()
    rows = np.moveaxis(array, 1, 0).reshape(array.shape[1], -1)
    below, above = function.saturated_below, function.saturated_above
    low = np.zeros(len(rows)) if below is None else (rows < np.array(below, rows.dtype)).sum(1)
    high = np.zeros(len(rows)) if above is None else (rows > np.array(above, rows.dtype)).sum(1)
    assert stats.input_nonfinite == (~np.isfinite(rows)).sum()
    if below is None and above is None:
        assert (stats.saturated_fraction, stats.saturated_units) == (None, None)
        assert units.saturated_low == units.saturated_high == ()
    else:
        assert units.saturated_low == tuple(low)
        assert units.saturated_high == tuple(high)
        assert stats.saturated_fraction == (low + high).sum() / rows.size
        assert stats.saturated_units == (low + high >= 0.9 * rows.shape[1]).sum()
    if function.linear_region is not None:
        first, last = (np.array(edge, rows.dtype) for edge in function.linear_region)
        with np.errstate(invalid="ignore"):
            linear = ((rows >= first) & (rows <= last)).sum(1)
        assert units.linear == tuple(linear)
        assert stats.linear_fraction == linear.sum() / rows.size
    for row, least, most in zip(rows, units.input_min, units.input_max, strict=True):
        kept = row[np.isfinite(row)]
        assert (least, most) == ((kept.min(), kept.max()) if kept.size else (None, None))


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda row: row.name)
@pytest.mark.parametrize("samples", [None, 6])
def test_the_mean_slope_is_that_of_autograd(function, samples):
    generator = torch.Generator().manual_seed(3)
    tensor = 3 * torch.randn(6, 4, 5, generator=generator, dtype=torch.float64)
    stats, _ = after_inputs(tensor, function, samples=samples)
    leaf = tensor.clone().requires_grad_()
    (slope,) = torch.autograd.grad(function.value(leaf, torch, **function.settings).sum(), leaf)
    assert stats.mean_slope == pytest.approx(slope.mean().item(), rel=1e-9)


def test_the_mean_slope_uses_the_settings_of_the_site():
    function = functions.get("leaky_relu")
    tensor = -torch.ones(4, 2)
    stats, _ = after_inputs(tensor, function, settings={"negative_slope": 0.3})
    assert stats.mean_slope == pytest.approx(0.3)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_slopes_of_large_samples_come_from_the_same_positions_however_batched(sizes):
    function = functions.get("tanh")
    tensor = torch.randn(sum(sizes), 3, 301, generator=torch.Generator().manual_seed(5))
    site = SiteAccumulator(3, function)
    for part in tensor.split(sizes):
        site.update_input(part, unit_axis=1, sample_axis=0, samples=len(part))
        site.update(part.tanh(), unit_axis=1, sample_axis=0, samples=len(part))
    found = site.to_record()[0].mean_slope
    whole = after_inputs(tensor, function, samples=len(tensor))[0].mean_slope
    assert found == pytest.approx(whole, rel=1e-9)
    exact = after_inputs(tensor, function)[0].mean_slope
    assert found == pytest.approx(exact, rel=0.1)
    assert exact == pytest.approx((1 - tensor.double().tanh() ** 2).mean().item(), rel=1e-9)


def test_the_slope_of_a_relu_is_read_off_its_outputs():
    stats, _ = after_inputs(torch.tensor([[-1.0, 0.0], [2.0, 3.0]]), functions.get("relu"))
    assert stats.mean_slope == 0.5
    assert stats.linear_fraction == 0.75


def test_only_a_relu_is_a_relu():
    assert [row.name for row in functions.ALL if is_relu(row, row.settings)] == [
        "relu",
        "threshold",
    ]


def test_without_inputs_nothing_is_said_of_them():
    site = SiteAccumulator(2, functions.get("sigmoid"))
    site.update(torch.rand(4, 2), unit_axis=1, sample_axis=0, samples=4)
    stats, units = site.to_record()
    assert units is not None
    assert stats.mean_slope is stats.saturated_fraction is stats.linear_fraction is None
    assert stats.saturated_units is stats.input_nonfinite is None
    assert units.input_min == units.saturated_low == ()


def test_without_a_function_inputs_are_not_looked_at():
    site = SiteAccumulator(2)
    site.update_input(torch.rand(4, 2), unit_axis=1)
    assert site.inputs is None


def test_inputs_of_another_width_than_the_outputs_give_no_units():
    gate = ActivationFunction(
        "halved", "Halved", "", lambda x, xp: x, None, (-1.0, 1.0), None, saturated_above=2.0
    )
    site = SiteAccumulator(2, gate)
    site.update_input(torch.full((3, 4), 9.0), unit_axis=1)
    site.update(torch.rand(3, 2), unit_axis=1, sample_axis=0, samples=3)
    stats, units = site.to_record()
    assert units is not None
    assert stats.saturated_fraction == 1
    assert stats.saturated_units == 4
    assert units.saturated_high == units.input_max == ()


def test_masked_inputs_are_counted_and_leave_the_range_alone():
    tensor = torch.tensor([[1.0, -math.inf], [2.0, 0.5]])
    stats, units = after_inputs(tensor, functions.get("sigmoid"))
    assert stats.input_nonfinite == 1
    assert units.input_min == (1.0, 0.5)


@given(tensor=tensors(dtypes=FLOATS), data=st.data())
def test_values_within_a_limit_are_counted_by_unit(tensor, data):
    axis = data.draw(st.none() | st.integers(0, tensor.dim() - 1))
    limit = data.draw(st.sampled_from([0.01, 1.0, 3.4e38]))
    rows = by_unit(to_numpy(tensor), axis)
    edge = np.float64(limit) if tensor.dtype == torch.float64 else np.float64(np.float32(limit))
    with np.errstate(invalid="ignore"):
        wanted = (np.abs(rows) < edge).sum(1)
    assert count_within(tensor, unit_axis=axis, limit=limit).tolist() == list(wanted)
