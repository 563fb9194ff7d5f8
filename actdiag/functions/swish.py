"""Functions that gate their input by a squashed copy of itself: SiLU, Mish, Hardswish."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.onesided import softplus
from actdiag.functions.row import ActivationFunction

_FAR = 40.0  # beyond it every slope here is 0 or 1 to float precision; spares inf · 0


def _silu(x: Any, xp: Any) -> Any:
    return x * xp.sigmoid(x)


def _silu_slope(x: Any, xp: Any) -> Any:
    x = xp.clamp(x, min=-_FAR, max=_FAR)
    gate = xp.sigmoid(x)
    return gate * (1.0 + x * (1.0 - gate))


def _mish(x: Any, xp: Any) -> Any:
    return x * xp.tanh(softplus(x, xp))


def _mish_slope(x: Any, xp: Any) -> Any:
    x = xp.clamp(x, min=-_FAR, max=_FAR)
    gate = xp.tanh(softplus(x, xp))
    return gate + x * (1.0 - gate * gate) * xp.sigmoid(x)


def _hardswish(x: Any, xp: Any) -> Any:
    return x * (xp.clamp(x + 3.0, min=0.0, max=6.0) / 6.0)


def _hardswish_slope(x: Any, xp: Any) -> Any:
    middle = xp.clamp(x, min=-3.0, max=3.0) / 3.0 + 0.5
    return xp.where(x < -3.0, xp.full_like(x, 0.0), xp.where(x > 3.0, xp.ones_like(x), middle))  # noqa: PLR2004 - the bends of the formula


SILU = ActivationFunction(
    name="silu",
    title="SiLU (Swish)",
    formula="x · σ(x)",
    value=_silu,
    slope=_silu_slope,
    output_range=(-0.2784645427610738, math.inf),
    max_slope=1.0998393201288668,
    modules=(
        "torch.nn.modules.activation.SiLU",
        "transformers.activations.SiLUActivation",
    ),
    callables=("torch.nn.functional.silu", "torch._C._nn.silu", "torch._C._nn.silu_"),
    operators=("aten::silu", "aten::silu_"),
    aliases=("swish", "sigmoid linear unit"),
    saturated_below=-3.9298973160966257,
    linear_region=(3.0, math.inf),
    used_for="The gate branch of SwiGLU in Llama-style models, and CNNs such as EfficientNet.",
    goes_wrong="A negative tail without gradient, though small negatives pass; the same as GELU's.",
    advice="Look at the share of inputs deep in the tail, below −3.9.",
    source="Elfwing, Uchibe & Doya 2018; Ramachandran, Zoph & Le 2017 (Swish); "
    "Hendrycks & Gimpel 2016.",
)

MISH = ActivationFunction(
    name="mish",
    title="Mish",
    formula="x · tanh(ln(1 + eˣ))",
    value=_mish,
    slope=_mish_slope,
    output_range=(-0.30884341301725043, math.inf),
    max_slope=1.088498161251728,
    modules=(
        "torch.nn.modules.activation.Mish",
        "transformers.activations.MishActivation",
    ),
    callables=("torch.nn.functional.mish", "torch._C._nn.mish", "torch._C._nn.mish_"),
    operators=("aten::mish", "aten::mish_"),
    saturated_below=-3.981251494912773,
    linear_region=(3.0, math.inf),
    used_for="Vision models such as YOLOv4, as a smoother stand-in for Swish.",
    goes_wrong="A negative tail without gradient, as SiLU's, at a higher cost per value.",
    advice="Expect what SiLU gives; take SiLU where speed counts.",
    source="Misra 2020, Mish: A Self Regularized Non-Monotonic Activation Function.",
)

HARDSWISH = ActivationFunction(
    name="hardswish",
    title="Hardswish",
    formula="x · min(max(0, x + 3), 6) / 6",
    value=_hardswish,
    slope=_hardswish_slope,
    output_range=(-0.375, math.inf),
    max_slope=1.5,
    modules=("torch.nn.modules.activation.Hardswish",),
    callables=(
        "torch.nn.functional.hardswish",
        "torch._C._nn.hardswish",
        "torch._C._nn.hardswish_",
    ),
    operators=("aten::hardswish", "aten::hardswish_"),
    aliases=("hard silu",),
    saturated_below=-3.0,
    linear_region=(3.0, math.inf),
    used_for="Swish for mobile CNNs: no exponential, and kind to quantisation.",
    goes_wrong="Below −3 the output and its gradient are exactly 0, so a unit can go silent there.",
    advice="Watch units whose inputs all lie below −3, as you would watch dead ReLUs.",
    source="Howard et al. 2019, Searching for MobileNetV3.",
)

ROWS = (SILU, MISH, HARDSWISH)
