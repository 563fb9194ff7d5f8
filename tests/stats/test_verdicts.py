"""Dead, constant, dormant, always-on and saturated units, and their healthy look-alikes."""

from __future__ import annotations

import pytest
import torch

from actdiag import functions
from actdiag.stats.site import SiteAccumulator


def record(columns, name, inputs=None):
    """The layer's record for units given as columns of values."""
    site = SiteAccumulator(None, None if name is None else functions.get(name))
    tensor = torch.tensor(columns, dtype=torch.float32).T
    if inputs is not None:
        site.update_input(torch.tensor(inputs, dtype=torch.float32).T, unit_axis=1)
    site.update(tensor, unit_axis=1, sample_axis=0, samples=len(tensor))
    return site.to_record()[0]


@pytest.mark.parametrize(
    ("name", "dead"), [("relu", 1), ("relu6", 1), ("gelu", 1), ("sigmoid", 1), (None, None)]
)
def test_a_unit_at_zero_throughout_is_dead(name, dead):
    assert record([[0, 0, 0], [0, 0, 1e-30], [1, 2, 3]], name).dead_units == dead


def test_a_unit_that_never_rises_above_zero_is_dead_only_where_zero_clips():
    columns = [[-1, -1, -0.5], [1, 1, 1]]
    assert record(columns, "relu").dead_units == 1
    assert record(columns, "leaky_relu").dead_units == 0


def test_constant_units_are_not_zero_and_differ_by_rounding_only():
    columns = [[0, 0, 0], [5, 5, 5], [5, 5, 5.000001], [5, 5, 5.01]]
    assert record(columns, None).constant_units == 2


def test_a_single_observation_is_not_constant():
    assert record([[5.0], [3.0]], "relu").constant_units == 0


def test_dormant_units_are_small_beside_the_layer():
    columns = [[1, -1], [1, 1], [0.012, -0.012], [0, 0]]
    assert record(columns, "gelu").dormant_units == 2
    assert record([[0.1, -0.1], [1, -1]], "gelu").dormant_units == 0


def test_always_on_means_every_value_above_zero_and_only_where_zero_clips():
    columns = [[1, 2, 3], [0, 2, 3]]
    assert record(columns, "relu").always_on_units == 1
    assert record(columns, "gelu").always_on_units is None


def test_a_unit_is_saturated_from_nine_tenths_of_its_inputs():
    nine, eight = [9.0] * 9 + [0.0], [-9.0] * 8 + [0.0] * 2
    stats = record([[0.5] * 10] * 2, "sigmoid", inputs=[nine, eight])
    assert stats.saturated_units == 1
    assert stats.saturated_fraction == 17 / 20


def test_units_are_not_counted_where_their_axis_is_not_known():
    site = SiteAccumulator(None, functions.get("sigmoid"))
    site.update_input(torch.full((4, 3), 9.0), unit_axis=None)
    site.update(torch.ones(4, 3), unit_axis=None, sample_axis=0, samples=4)
    stats, units = site.to_record()
    assert units is None
    counts = (stats.dead_units, stats.constant_units, stats.dormant_units, stats.saturated_units)
    assert counts == (None,) * 4
