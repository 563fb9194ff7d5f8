"""Each number of each row against numerical search, under default and other settings."""

import math
from typing import Any

import pytest
import torch

from actdiag import functions
from actdiag.functions import scalar
from tests.functions.cases import every_case, every_row, finite, grid

FLAT = 0.05  # RULES ACT103: saturated is a slope below 5 % of its maximum
STRAIGHT = 0.01  # of the span, see ActivationFunction.linear_region
KNOWN_TO_TORCH: dict[str, Any] = {
    "identity": "linear",
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "selu": "selu",
}


def fine_grid():
    return grid(-60, 60, 240001)


def share_of_slope(row, x):
    slope = row.slope(torch.as_tensor(x, dtype=torch.float64), torch, **row.settings)
    return slope.abs() / row.max_slope


@every_case()
def test_output_range_is_the_smallest_and_largest_value(row, settings):
    far = torch.logspace(1, 9, 200, dtype=torch.float64)
    y = row.value(torch.cat([-far, fine_grid(), far]), torch, **settings)
    for found, stated in zip((y.min().item(), y.max().item()), row.output_range, strict=True):
        if math.isinf(stated):
            assert math.copysign(1, stated) * found > 1e6
        else:
            assert found == pytest.approx(stated, abs=2e-6)
    low, high = row.output_range
    assert low - 1e-12 <= y.min()
    assert y.max() <= high + 1e-12


@every_case()
def test_max_slope_is_the_largest(row, settings):
    steepest = row.slope(fine_grid(), torch, **settings).abs().max().item()
    if row.max_slope is None:
        assert row.slope(torch.tensor(1e6), torch, **settings) > 1e6
    else:
        assert steepest == pytest.approx(row.max_slope, rel=1e-6)


def levels_off(row, end):
    """Flat (under 5 % of the slope) at that end with values that have stopped moving."""
    near, far = (row.value(end * x, scalar, **row.settings) for x in (1e6, 1e9))
    return share_of_slope(row, end * 1e6) < FLAT and abs(near - far) < 1e-5


@every_case(lambda row: row.elementwise and row.max_slope is not None)
def test_saturation_begins_where_the_slope_falls_below_a_twentieth(row, settings):
    for end, limit in ((-1.0, row.saturated_below), (1.0, row.saturated_above)):
        if limit is None:
            dead_side = row.clips_at_zero and end < 0
            constant_side = row.name == "threshold" and end < 0
            assert dead_side or constant_side or not levels_off(row, end)
            continue
        beyond = limit + end * torch.logspace(-6, 3, 4000, dtype=torch.float64)
        assert (share_of_slope(row, beyond) < FLAT).all()
        assert share_of_slope(row, limit - end * 1e-6) >= FLAT


def test_the_limits_that_the_rules_quote(row_of):
    sigmoid, tanh = row_of("sigmoid"), row_of("tanh")
    assert sigmoid.saturated_above == -sigmoid.saturated_below == pytest.approx(4.36, abs=5e-3)
    assert tanh.saturated_above == -tanh.saturated_below == pytest.approx(2.18, abs=5e-3)
    assert sigmoid.max_slope == 0.25
    for name in ("gelu", "gelu_tanh", "silu", "mish", "elu", "selu", "celu"):
        assert row_of(name).saturated_above is None
        assert row_of(name).saturated_below < -2


@every_case(lambda row: row.linear_region is not None)
def test_linear_region_is_straight(row, settings):
    low, high = finite(row.linear_region, reach=10.0)
    x = torch.linspace(low + 1e-9, high - 1e-9, 2001, dtype=torch.float64)
    y = row.value(x, torch, **settings)
    design = torch.stack([x, torch.ones_like(x)], dim=1)
    line = design @ torch.linalg.lstsq(design, y[:, None]).solution
    span = y.max() - y.min()
    assert span > 0
    assert (y - line[:, 0]).abs().max() <= STRAIGHT * span


def test_linear_regions_that_the_rules_quote(row_of):
    assert row_of("relu").linear_region == (0, math.inf)
    assert row_of("tanh").linear_region == (-0.1, 0.1)
    assert row_of("gelu").linear_region == row_of("silu").linear_region == (3, math.inf)


@every_case(lambda row: row.name in KNOWN_TO_TORCH)
def test_gain_is_that_of_torch(row, settings):
    parameter = row.settings.get("negative_slope")
    assert row.gain == pytest.approx(
        torch.nn.init.calculate_gain(KNOWN_TO_TORCH[row.name], parameter), rel=1e-15
    )


@every_case(lambda row: row.name in ("prelu", "rrelu", "leaky_relu", "relu"))
def test_he_gain_keeps_the_second_moment_of_a_normal_input(row, settings):
    z = torch.linspace(-12, 12, 200001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    moment = torch.trapezoid(row.value(z, torch, **settings).square() * density, z).item()
    assert row.gain == pytest.approx(moment**-0.5, rel=1e-6)


@every_case()
def test_clips_at_zero_says_that_negative_inputs_give_exactly_zero(row, settings):
    below = row.value(grid(-30, -0.01), torch, **settings)
    all_zero = bool((below == 0).all())
    assert row.clips_at_zero == (all_zero and row.output_range[0] == 0)
    if row.clips_at_zero:
        assert row.saturated_below is None  # that side is dead, not saturated


@every_row()
def test_bounded_says_that_both_ends_are_finite(row):
    assert row.bounded == all(map(math.isfinite, row.output_range))


@every_row()
def test_rows_are_of_one_kind(row):
    assert row.initialisation in ("he", "xavier")
    if row.elementwise:
        assert row.slope is not None
        assert row.gate is None
    else:
        assert row.slope is None
        assert row.max_slope is None
        assert row.linear_region is None
    if row.gate is not None:
        assert functions.get(row.gate).elementwise


def test_how_far_the_approximations_of_gelu_are_off(row_of):
    x = fine_grid()
    exact = row_of("gelu").value(x, torch)
    for name, off in (("gelu_tanh", 0.0005), ("quick_gelu", 0.02)):
        worst = (row_of(name).value(x, torch) - exact).abs().max().item()
        assert worst == pytest.approx(off, rel=0.1)


def test_four_ideal_sigmoids_keep_0_004_of_the_gradient_and_relus_all_of_it(row_of):
    assert row_of("sigmoid").slope(0.0, scalar) ** 4 == pytest.approx(0.004, abs=1e-4)
    assert row_of("relu").slope(1.0, scalar) ** 4 == 1
    assert row_of("relu").slope(-1.0, scalar) == 0
