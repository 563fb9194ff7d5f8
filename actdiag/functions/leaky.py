"""Two straight lines that meet at 0: rectifiers with a slope left for negative inputs."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.row import ActivationFunction

_REAL_LINE = (-math.inf, math.inf)
_HE = "He et al. 2015, Delving Deep into Rectifiers"


def _two_lines_numbers(slope: float) -> dict[str, Any]:
    """Slope 1 above 0 and ``slope`` below it; the gain is He et al.'s (equation 15)."""
    return {
        "output_range": _REAL_LINE if slope > 0 else (0.0, math.inf),
        "max_slope": max(1.0, abs(slope)),
        "gain": math.sqrt(2.0 / (1.0 + slope * slope)),
        "clips_at_zero": slope == 0,
        "linear_region": _REAL_LINE if slope == 1 else (0.0, math.inf),
    }


def _leaky_relu(x: Any, xp: Any, *, negative_slope: float = 0.01) -> Any:
    return xp.where(x > 0, x, negative_slope * x)


def _leaky_relu_slope(x: Any, xp: Any, *, negative_slope: float = 0.01) -> Any:
    return xp.where(x > 0, xp.ones_like(x), negative_slope)


def _leaky_relu_numbers(negative_slope: float) -> dict[str, Any]:
    return _two_lines_numbers(negative_slope)


def _prelu(x: Any, xp: Any, *, weight: Any = 0.25) -> Any:
    return xp.where(x > 0, x, weight * x)


def _prelu_slope(x: Any, xp: Any, *, weight: Any = 0.25) -> Any:
    return xp.where(x > 0, xp.ones_like(x), weight)


def _prelu_numbers(weight: float) -> dict[str, Any]:
    return _two_lines_numbers(weight)


def _rrelu(x: Any, xp: Any, *, lower: float = 1 / 8, upper: float = 1 / 3) -> Any:
    return _leaky_relu(x, xp, negative_slope=(lower + upper) / 2.0)


def _rrelu_slope(x: Any, xp: Any, *, lower: float = 1 / 8, upper: float = 1 / 3) -> Any:
    return _leaky_relu_slope(x, xp, negative_slope=(lower + upper) / 2.0)


def _rrelu_numbers(lower: float, upper: float) -> dict[str, Any]:
    return _two_lines_numbers((lower + upper) / 2.0)


LEAKY_RELU = ActivationFunction(
    name="leaky_relu",
    title="Leaky ReLU",
    formula="x if x > 0 else negative_slope · x (0.01 · x)",
    value=_leaky_relu,
    slope=_leaky_relu_slope,
    output_range=_REAL_LINE,
    max_slope=1.0,
    modules=("torch.nn.modules.activation.LeakyReLU",),
    callables=(
        "torch.nn.functional.leaky_relu",
        "torch.nn.functional.leaky_relu_",
        "torch._C._nn.leaky_relu",
        "torch._C._nn.leaky_relu_",
    ),
    operators=("aten::leaky_relu", "aten::leaky_relu_"),
    gain=math.sqrt(2.0 / (1.0 + 0.01**2)),
    linear_region=(0.0, math.inf),
    settings={"negative_slope": 0.01},
    numbers=_leaky_relu_numbers,
    used_for="A fix for dying ReLU: negative inputs still pass a little gradient.",
    goes_wrong="The slope for negatives is small, so a unit that is always negative learns slowly.",
    advice="The first thing to try on dead ReLUs; a slope of 0.1 or 0.2 recovers faster than 0.01.",
    source=f"Maas, Hannun & Ng 2013; gain √(2/(1+a²)) from {_HE}.",
)

PRELU = ActivationFunction(
    name="prelu",
    title="PReLU",
    formula="x if x > 0 else α · x, α learned (0.25 at first)",
    value=_prelu,
    slope=_prelu_slope,
    output_range=_REAL_LINE,
    max_slope=1.0,
    modules=("torch.nn.modules.activation.PReLU",),
    callables=(
        "torch.nn.functional.prelu",
        "torch.prelu",
        "torch.Tensor.prelu",
        "torch._prelu_kernel",
    ),
    operators=("aten::prelu", "aten::_prelu_kernel"),
    aliases=("parametric relu",),
    gain=math.sqrt(2.0 / (1.0 + 0.25**2)),
    linear_region=(0.0, math.inf),
    settings={"weight": 0.25},
    numbers=_prelu_numbers,
    used_for="A fix for dying ReLU in which the network learns how much negatives should pass.",
    goes_wrong="α may go to 0, which makes it a ReLU again, or to 1, which makes it linear.",
    advice="Read the learned α of each layer, and leave them out of weight decay, which pulls them "
    "to 0.",
    source=f"{_HE}, for the function and its gain.",
)

RRELU = ActivationFunction(
    name="rrelu",
    title="RReLU",
    formula="x if x > 0 else a · x; a uniform in [lower, upper] in training, its mean otherwise",
    value=_rrelu,
    slope=_rrelu_slope,
    output_range=_REAL_LINE,
    max_slope=1.0,
    modules=("torch.nn.modules.activation.RReLU",),
    callables=(
        "torch.nn.functional.rrelu",
        "torch.nn.functional.rrelu_",
        "torch.rrelu",
        "torch.rrelu_",
        "torch._C._nn.rrelu_with_noise",
        "torch._C._nn.rrelu_with_noise_",
    ),
    operators=(
        "aten::rrelu",
        "aten::rrelu_",
        "aten::rrelu_with_noise",
        "aten::rrelu_with_noise_",
    ),
    aliases=("randomized leaky relu",),
    gain=math.sqrt(2.0 / (1.0 + ((1 / 8 + 1 / 3) / 2) ** 2)),
    linear_region=(0.0, math.inf),
    settings={"lower": 1 / 8, "upper": 1 / 3},
    numbers=_rrelu_numbers,
    used_for="Small data sets: the random slope of negatives regularises like noise.",
    goes_wrong="Left in training mode it gives other outputs at each call.",
    advice="Call eval() before you measure or deploy; the mean slope is used then.",
    source=f"Xu et al. 2015, Empirical Evaluation of Rectified Activations; gain from {_HE}, at "
    "the mean slope.",
)

ROWS = (LEAKY_RELU, PRELU, RRELU)
