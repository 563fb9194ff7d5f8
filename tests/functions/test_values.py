"""Values and slopes against torch's own functions and autograd, in both namespaces."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from torch.nn import functional as F

from actdiag.functions import scalar
from tests.functions.cases import build, every_case, every_row, grid, has_module, torch_modules

HAND_WRITTEN = {
    "relu_squared": lambda x: F.relu(x).square(),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
}


def oracle(row, settings):
    return build(row, settings) if has_module(row) else HAND_WRITTEN[row.name]


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-11, atol=1e-12)


@every_case()
def test_value_is_what_torch_computes(row, settings):
    x = grid()
    close(row.value(x, torch, **settings), oracle(row, settings)(x).detach())


@every_case()
def test_slope_is_what_autograd_computes_kinks_included(row, settings):
    x = grid().requires_grad_()
    (expected,) = torch.autograd.grad(oracle(row, settings)(x).sum(), x)
    slope = row.slope(x.detach(), torch, **settings)
    # torch's own derivative of Hardsigmoid is a sixth in float32, whatever the dtype
    torch.testing.assert_close(slope, expected, rtol=1e-11, atol=1e-8)


@every_case()
def test_value_is_the_integral_of_slope_between_the_kinks(row, settings):
    kinks = {-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0}
    for setting in row.settings.values():
        kinks |= {setting, -setting}
    if row.name == "softplus":
        kinks = {k for k in kinks if abs(k) < row.settings["threshold"] / row.settings["beta"]}
    ends = sorted(kinks)
    for left, right in itertools.pairwise(ends):
        low, high = left + 1e-9, right - 1e-9
        area, _ = quad(lambda x: row.slope(x, scalar, **settings), low, high)
        rise = row.value(high, scalar, **settings) - row.value(low, scalar, **settings)
        assert rise == pytest.approx(area, rel=1e-8, abs=1e-8)


@every_case()
@given(x=st.floats(-1e300, 1e300) | st.floats(-50, 50))
def test_floats_and_tensors_agree(row, settings, x):
    tensor = torch.tensor(x, dtype=torch.float64)
    for function in (row.value, row.slope):
        alone = function(x, scalar, **settings)
        assert isinstance(alone, float)
        assert alone == pytest.approx(
            function(tensor, torch, **settings).item(), rel=1e-9, abs=1e-12
        )


@every_case(lambda row: row.elementwise and row.max_slope is not None)
@pytest.mark.parametrize("end", [-math.inf, math.inf])
def test_slope_is_finite_at_the_ends(row, settings, end):
    tensor = row.slope(torch.tensor(end, dtype=torch.float64), torch, **settings).item()
    assert math.isfinite(tensor)
    assert row.slope(end, scalar, **settings) == pytest.approx(tensor, abs=1e-9)


@every_case(lambda row: row.elementwise and row.name not in ("threshold", "hardshrink"))
def test_nan_stays_nan_in_the_value(row, settings):  # those two only compare, as torch's do
    assert math.isnan(row.value(math.nan, scalar, **settings))
    assert row.value(torch.tensor(math.nan), torch, **settings).isnan()


@every_case()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_and_shape_stay_as_they_were(row, settings, dtype):
    x = torch.linspace(-200, 200, 24, dtype=dtype).reshape(2, 3, 4)
    for function in (row.value, row.slope):
        result = function(x, torch, **settings)
        assert result.dtype == dtype
        assert result.shape == x.shape
        assert result.isfinite().all()


def test_prelu_takes_one_weight_per_channel(row_of):
    row, weight = row_of("prelu"), torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    x = grid(-2, 2, 120).reshape(10, 3, 4).requires_grad_()
    expected = F.prelu(x, weight)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    close(row.value(x.detach(), torch, weight=weight[:, None]), expected.detach())
    close(row.slope(x.detach(), torch, weight=weight[:, None]), slope)


@every_row(lambda row: not row.elementwise and row.gate is None)
def test_normalising_functions_are_what_torch_computes(row):
    x = torch.linspace(-4, 900, 48, dtype=torch.float64).sin().mul(5).reshape(2, 4, 3, 2)
    close(row.value(x, torch), build(row)(x))
    if row.name != "softmax2d":
        alone = row.value(x[0, 0, 0].tolist(), scalar)
        close(torch.tensor(alone, dtype=torch.float64), build(row)(x[0, 0, 0]))


def test_softmax2d_of_floats_is_the_softmax_of_one_pixel(row_of):
    channels = [0.5, -1.0, 2.0]
    image = torch.tensor(channels, dtype=torch.float64).reshape(1, 3, 1, 1)
    close(
        torch.tensor(row_of("softmax2d").value(channels, scalar), dtype=torch.float64),
        torch.nn.Softmax2d()(image).flatten(),
    )


GATES: dict[str, Callable[..., torch.Tensor]] = {
    "glu": torch.sigmoid,
    "swiglu": F.silu,
    "geglu": F.gelu,
    "reglu": F.relu,
    "bilinear": lambda x: x,
}


@every_row(lambda row: row.gate is not None)
def test_gated_families_multiply_the_gate_with_the_value(row):
    gate, up = grid(-4, 4, 60), grid(3, -2, 60)
    close(row.value(gate, torch, up=up), GATES[row.name](gate) * up)
    assert row.value(0.5, scalar, up=-2.0) == pytest.approx(
        row.value(torch.tensor(0.5).double(), torch, up=-2.0).item()
    )
    if torch_modules(row):  # torch takes the second half as the gate
        close(row.value(gate, torch, up=up), build(row)(torch.cat([up, gate])))
