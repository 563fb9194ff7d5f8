"""Functions squeezed between two bounds, smoothly: a unit behind one of them can saturate."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.row import ActivationFunction

_GLOROT = "Glorot & Bengio 2010, Understanding the Difficulty of Training Deep Networks"


def _sigmoid(x: Any, xp: Any) -> Any:
    return xp.sigmoid(x)


def _sigmoid_slope(x: Any, xp: Any) -> Any:
    y = xp.sigmoid(x)
    return y * (1.0 - y)


def _tanh(x: Any, xp: Any) -> Any:
    return xp.tanh(x)


def _tanh_slope(x: Any, xp: Any) -> Any:
    y = xp.tanh(x)
    return 1.0 - y * y


def _softsign(x: Any, xp: Any) -> Any:
    return x / (1.0 + xp.abs(x))


def _softsign_slope(x: Any, xp: Any) -> Any:
    root = 1.0 / (1.0 + xp.abs(x))
    return root * root


SIGMOID = ActivationFunction(
    name="sigmoid",
    title="Sigmoid",
    formula="1 / (1 + e⁻ˣ)",
    value=_sigmoid,
    slope=_sigmoid_slope,
    output_range=(0.0, 1.0),
    max_slope=0.25,
    modules=("torch.nn.modules.activation.Sigmoid",),
    callables=(
        "torch.nn.functional.sigmoid",
        "torch.sigmoid",
        "torch.sigmoid_",
        "torch.Tensor.sigmoid",
        "torch.Tensor.sigmoid_",
        "torch.special.expit",
    ),
    operators=("aten::sigmoid", "aten::sigmoid_", "aten::special_expit"),
    aliases=("logistic", "expit"),
    gain=1.0,
    initialisation="xavier",
    bounded=True,
    saturated_below=-4.356544420601869,
    saturated_above=4.356544420601869,
    linear_region=(-0.2, 0.2),
    used_for="Binary outputs, gates of LSTM and GRU, and wherever a probability is meant.",
    goes_wrong="Vanishing gradient: the derivative is at most 0.25 and about 0 at the extremes, so "
    "four layers pass at best 0.25⁴ ≈ 0.004 of it.",
    advice="Keep it for outputs and gates; use ReLU or GELU in hidden layers, whose active paths "
    "pass the gradient whole.",
    source=f"{_GLOROT}; gain 1 as torch.nn.init.calculate_gain.",
)

TANH = ActivationFunction(
    name="tanh",
    title="Tanh",
    formula="(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)",
    value=_tanh,
    slope=_tanh_slope,
    output_range=(-1.0, 1.0),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Tanh",),
    callables=(
        "torch.nn.functional.tanh",
        "torch.tanh",
        "torch.tanh_",
        "torch.Tensor.tanh",
        "torch.Tensor.tanh_",
    ),
    operators=("aten::tanh", "aten::tanh_"),
    aliases=("hyperbolic tangent",),
    gain=5.0 / 3.0,
    initialisation="xavier",
    bounded=True,
    saturated_below=-2.1782722103009347,
    saturated_above=2.1782722103009347,
    linear_region=(-0.1, 0.1),
    used_for="RNN cells and older MLPs; unlike sigmoid its values are centred on 0.",
    goes_wrong="Saturates at both ends, where the gradient vanishes.",
    advice="Xavier initialisation and standardised inputs keep its inputs within ±2.",
    source=f"LeCun et al. 1998, Efficient BackProp; {_GLOROT}; "
    "gain 5/3 as torch.nn.init.calculate_gain.",
)

SOFTSIGN = ActivationFunction(
    name="softsign",
    title="Softsign",
    formula="x / (1 + |x|)",
    value=_softsign,
    slope=_softsign_slope,
    output_range=(-1.0, 1.0),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Softsign",),
    callables=("torch.nn.functional.softsign",),
    initialisation="xavier",
    bounded=True,
    saturated_below=1.0 - math.sqrt(20.0),
    saturated_above=math.sqrt(20.0) - 1.0,
    linear_region=(-0.08, 0.08),
    used_for="In place of tanh, where a gentler approach to the bounds is wanted.",
    goes_wrong="Saturates like tanh, only later: the slope falls as 1/x² and not exponentially.",
    advice="Treat it as tanh: Xavier initialisation and standardised inputs.",
    source=f"Bergstra et al. 2009, Quadratic Polynomials Learn Better Image Features; {_GLOROT}.",
)

ROWS = (SIGMOID, TANH, SOFTSIGN)
