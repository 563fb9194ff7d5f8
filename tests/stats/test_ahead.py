"""Counting for a function while its input is read as an output: only if it is that very tensor."""

from __future__ import annotations

import math

import pytest
import torch

from actdiag import functions
from actdiag.stats import native
from actdiag.stats.site import SiteAccumulator
from tests.stats.test_site import assert_same

AXES = {"unit_axis": 1, "sample_axis": 0, "samples": 40}
pytestmark = pytest.mark.usefixtures("every_register")
STYLES = {
    "normal": lambda x: x,
    "positive": lambda x: x.abs() + 1,
    "rectified": lambda x: x.relu(),
    "far from zero": lambda x: 1e4 + 1e-2 * x,
    "not finite": lambda x: x.masked_fill(x > 2, math.inf).masked_fill(x < -2, math.nan),
}


def pair(name):
    """A layer whose output was read once by a function: the function's site is foreseen."""
    layer, after = SiteAccumulator(33), SiteAccumulator(33, functions.get(name))
    x = torch.randn(40, 33)
    layer.update(x, **AXES)
    after.update_input(x, **AXES)
    layer.next = after.inputs.ahead
    return layer, after, x


def alone(name, *inputs):
    """What the function's site says when each input is read for itself."""
    site = SiteAccumulator(33, functions.get(name))
    for x in inputs:
        site.update_input(x, **AXES)
        site.update(x, **AXES)
    return site.to_record()


def told(after, *inputs):
    for x in inputs:
        after.update(x, **AXES)
    return after.to_record()


@pytest.fixture
def walks(monkeypatch):
    """How often inputs were read for themselves."""
    counted = []
    original = native.merge_regions

    def walk(*given):
        counted.append(1)
        original(*given)

    monkeypatch.setattr(native, "merge_regions", walk)
    return counted


@pytest.mark.parametrize("shape", [(40, 33), (40, 33, 2), (40, 33, 3, 7)])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["relu", "tanh"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_as_reading_it_again(name, style, shape, dtype, walks):
    layer, after, first = pair(name)
    x = STYLES[style](torch.randn(shape)).to(dtype)
    layer.update(x, **AXES)
    del walks[:]
    after.update_input(x, **AXES)
    assert not walks
    assert_same(told(after, first, x), alone(name, first, x))
    whole = SiteAccumulator(33)
    for one in (first, x):
        whole.update(one, **AXES)
    assert_same(layer.to_record(), whole.to_record())


@pytest.mark.parametrize("change", ["written", "another", "equal", "other axes", "never"])
def test_what_was_counted_ahead_in_vain_is_forgotten(change, walks):
    layer, after, first = pair("gelu")
    x = torch.randn(40, 33)
    layer.update(x, **AXES)
    del walks[:]
    axes = dict(AXES)
    if change == "written":
        x[3:9] = 7
    if change in ("another", "equal"):
        x = torch.randn(40, 33) if change == "another" else x.clone()
    if change == "other axes":
        axes["samples"] = 20
    if change != "never":
        after.update_input(x, **axes)
        assert len(walks) == 1
    inputs = (first,) if change == "never" else (first, x)
    stats, units = told(after, *inputs)
    wanted_stats, wanted_units = alone("gelu", *inputs)
    assert units == wanted_units
    assert stats.saturated_fraction == wanted_stats.saturated_fraction


def test_after_a_call_that_did_not_come_nothing_is_foreseen():
    layer, after, _ = pair("gelu")
    layer.update(torch.randn(40, 33), **AXES)
    assert layer.next is after.inputs.ahead
    layer.update(torch.randn(40, 33), **AXES)
    assert layer.next is None


def test_a_change_of_an_inference_tensor_would_not_be_noticed():
    layer, after, first = pair("gelu")
    with torch.inference_mode():
        x = torch.randn(40, 33)
        layer.update(x, **AXES)
        assert layer.next is None
        x.mul_(3)
        after.update_input(x, **AXES)
        found = told(after, first, x)
    assert_same(found, alone("gelu", first, x))
