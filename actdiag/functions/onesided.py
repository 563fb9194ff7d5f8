"""Softplus and its mirror image LogSigmoid: linear on one side, levelling off on the other."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.row import ActivationFunction

_TAIL = math.log(19.0)  # σ(−ln 19) = 0.05, and the largest slope of both is 1


def softplus(x: Any, xp: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + exp(βx)) / β, and ``x`` itself where βx is above the threshold; never overflows."""
    scaled = beta * x
    smooth = xp.clamp(scaled, min=0.0) + xp.log1p(xp.exp(-xp.abs(scaled)))
    return xp.where(scaled > threshold, x, smooth / beta)


def _softplus_slope(x: Any, xp: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    scaled = beta * x
    return xp.where(scaled > threshold, xp.ones_like(x), xp.sigmoid(scaled))


def _softplus_numbers(beta: float, **_threshold: float) -> dict[str, Any]:
    return {"saturated_below": -_TAIL / beta, "linear_region": (3.0 / beta, math.inf)}


def _logsigmoid(x: Any, xp: Any) -> Any:
    return xp.clamp(x, max=0.0) - xp.log1p(xp.exp(-xp.abs(x)))


def _logsigmoid_slope(x: Any, xp: Any) -> Any:
    return xp.sigmoid(-x)


SOFTPLUS = ActivationFunction(
    name="softplus",
    title="Softplus",
    formula="ln(1 + exp(βx)) / β",
    value=softplus,
    slope=_softplus_slope,
    output_range=(0.0, math.inf),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Softplus",),
    callables=("torch.nn.functional.softplus", "torch._C._nn.softplus"),
    operators=("aten::softplus",),
    saturated_below=-_TAIL,
    linear_region=(3.0, math.inf),
    settings={"beta": 1.0, "threshold": 20.0},
    numbers=_softplus_numbers,
    used_for="Outputs that must be positive, such as a variance or a rate.",
    goes_wrong="The gradient fades for negative inputs, and the outputs are never 0, so nothing "
    "becomes sparse.",
    advice="Use it at outputs; hidden layers do better with ReLU or GELU.",
    source="Dugas et al. 2001; Glorot, Bordes & Bengio 2011, Deep Sparse Rectifier Networks.",
)

LOGSIGMOID = ActivationFunction(
    name="logsigmoid",
    title="LogSigmoid",
    formula="ln(1 / (1 + e⁻ˣ))",
    value=_logsigmoid,
    slope=_logsigmoid_slope,
    output_range=(-math.inf, 0.0),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.LogSigmoid",),
    callables=("torch.nn.functional.logsigmoid", "torch._C._nn.log_sigmoid"),
    operators=("aten::log_sigmoid", "aten::log_sigmoid_forward"),
    initialisation="xavier",
    saturated_above=_TAIL,
    linear_region=(-math.inf, -3.0),
    used_for="Losses on log-probabilities, such as negative sampling and preference learning.",
    goes_wrong="The gradient fades for inputs above 3, where the event is already certain.",
    advice="Use it instead of log(sigmoid(x)), which gives −inf where the sigmoid underflows.",
    source="Mikolov et al. 2013 (negative sampling); PyTorch documentation, torch.nn.LogSigmoid.",
)

ROWS = (SOFTPLUS, LOGSIGMOID)
