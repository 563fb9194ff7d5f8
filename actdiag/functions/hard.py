"""Piecewise linear stand-ins for sigmoid and tanh, flat outside an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.functions.row import ActivationFunction

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEND = 3.0  # of Hardsigmoid: (x + 3) / 6 reaches 0 and 1 at ±3


def _hardsigmoid(x: Any, xp: Any) -> Any:
    return xp.clamp(x + _BEND, min=0.0, max=2 * _BEND) / (2 * _BEND)


def _hardsigmoid_slope(x: Any, xp: Any) -> Any:
    return xp.where((x > -_BEND) & (x < _BEND), xp.full_like(x, 1 / (2 * _BEND)), 0.0)


def _hardtanh(x: Any, xp: Any, *, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    return xp.clamp(x, min=min_val, max=max_val)


def _hardtanh_slope(x: Any, xp: Any, *, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    return xp.where((x > min_val) & (x < max_val), xp.ones_like(x), 0.0)


def _hardtanh_numbers(min_val: float, max_val: float) -> dict[str, Any]:
    clips = min_val == 0
    return {
        "output_range": (min_val, max_val),
        "clips_at_zero": clips,
        "saturated_below": None if clips else min_val,
        "saturated_above": max_val,
        "linear_region": (min_val, max_val),
    }


def _hardtanh_variant(arguments: Mapping[str, Any]) -> str | None:
    """``aten::hardtanh`` computes ReLU6 too."""
    limits = (arguments.get("min_val"), arguments.get("max_val"))
    return "relu6" if limits == (0, 6) else None


HARDSIGMOID = ActivationFunction(
    name="hardsigmoid",
    title="Hardsigmoid",
    formula="min(max(0, x + 3), 6) / 6",
    value=_hardsigmoid,
    slope=_hardsigmoid_slope,
    output_range=(0.0, 1.0),
    max_slope=1.0 / 6.0,
    modules=("torch.nn.modules.activation.Hardsigmoid",),
    callables=(
        "torch.nn.functional.hardsigmoid",
        "torch._C._nn.hardsigmoid",
        "torch._C._nn.hardsigmoid_",
    ),
    operators=("aten::hardsigmoid", "aten::hardsigmoid_"),
    initialisation="xavier",
    bounded=True,
    saturated_below=-3.0,
    saturated_above=3.0,
    linear_region=(-3.0, 3.0),
    used_for="A cheap sigmoid for gates in mobile models, such as squeeze-and-excitation.",
    goes_wrong="Beyond ±3 the gradient is exactly 0, so a saturated gate cannot come back.",
    advice="Keep its inputs within ±3, or use sigmoid while training.",
    source="Courbariaux, Bengio & David 2015 (BinaryConnect); in this form Howard et al. 2019 "
    "(MobileNetV3).",
)

HARDTANH = ActivationFunction(
    name="hardtanh",
    title="Hardtanh",
    formula="min(max(min_val, x), max_val)",
    value=_hardtanh,
    slope=_hardtanh_slope,
    output_range=(-1.0, 1.0),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Hardtanh",),
    callables=(
        "torch.nn.functional.hardtanh",
        "torch.nn.functional.hardtanh_",
        "torch._C._nn.hardtanh",
        "torch._C._nn.hardtanh_",
    ),
    operators=("aten::hardtanh", "aten::hardtanh_"),
    initialisation="xavier",
    bounded=True,
    saturated_below=-1.0,
    saturated_above=1.0,
    linear_region=(-1.0, 1.0),
    settings={"min_val": -1.0, "max_val": 1.0},
    numbers=_hardtanh_numbers,
    variant=_hardtanh_variant,
    used_for="A cheap tanh, and a limit on outputs in speech and quantised models.",
    goes_wrong="Outside the interval the gradient is exactly 0; inside it does nothing at all.",
    advice="Check how many inputs lie inside: all of them makes it linear, none of them flat.",
    source="Collobert 2004, Large Scale Machine Learning (thesis).",
)

ROWS = (HARDSIGMOID, HARDTANH)
