"""What went into a function: taken from the layer before, or undone from what came out."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import pytest

from actdiag import functions
from actdiag.records import Role
from actdiag.render._plots import functions as figure
from actdiag.render._plots.uses import worst
from tests.render import build

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
INPUTS = [NormalDist(0.5, 1.5).inv_cdf(level) for level in LEVELS]


def gate(name, low=-6.0, high=7.0):
    """A site of a function whose inputs are known by their range alone, as in an LSTM."""
    row = functions.get(name)
    outputs = [float(row.value(x, functions.scalar, **row.settings)) for x in INPUTS]
    told = {str(level): value for level, value in zip(LEVELS, outputs, strict=True)}
    known = build.site("lstm/gate", name, Role.GATE, 1, quantiles=told)
    units = replace(build._per_unit(), input_min=(low,), input_max=(high,))
    return replace(known, per_unit=units)


def use(site):
    (found,) = worst(build.Report(scan=build.scan((site,))), 6)
    return found


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "leaky_relu"])
def test_a_function_that_only_rises_is_undone(name):
    found = use(gate(name))

    assert [level for level, _ in found.quantiles] == list(LEVELS)
    assert [x for _, x in found.quantiles] == pytest.approx(INPUTS, abs=1e-6)


@pytest.mark.parametrize("name", ["relu", "gelu", "hardtanh"])
def test_one_that_is_flat_or_falls_somewhere_is_not(name):
    assert use(gate(name)).quantiles == ()


def test_what_is_lost_is_told_beside_the_range():
    site = gate("tanh", low=-3.0, high=1234.5)
    stats = replace(site.stats, saturated_fraction=0.31, zero_fraction=0.0)

    told = figure._told(use(replace(site, stats=stats)))
    assert told == "input −3.00 to 1234, 31 % saturated"


def test_a_long_tail_does_not_hide_the_rest():
    told = dict(zip(map(str, LEVELS), (-9e5, -2.0, -1.0, 0.0, 1.0, 2.0, 9e5), strict=True))
    before = build.site("0", "linear", Role.LINEAR, 1, quantiles=told)
    site = replace(build.site("1", "relu", Role.ACTIVATION, 1), inputs=("0",), straight=True)
    (found,) = worst(build.Report(scan=build.scan((before, site))), 6)
    low, high = figure._window(found)

    assert math.isclose(low, -3.3)
    assert math.isclose(high, 3.3)
