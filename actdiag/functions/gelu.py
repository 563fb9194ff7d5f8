"""GELU, x · Φ(x), and its two approximations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actdiag.functions.row import ActivationFunction

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT_HALF = math.sqrt(0.5)
_ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)
_CUBIC = 0.044715  # Hendrycks & Gimpel 2016, section 2
_QUICK = 1.702  # likewise
_FAR = 10.0  # beyond it every slope here is 0 or 1 to float precision; spares inf · 0
_HENDRYCKS = "Hendrycks & Gimpel 2016, Gaussian Error Linear Units"
_TAIL = "A negative tail without gradient, though small negatives pass."


def _gelu(x: Any, xp: Any) -> Any:
    return 0.5 * x * (1.0 + xp.erf(x * _ROOT_HALF))


def _gelu_slope(x: Any, xp: Any) -> Any:
    x = xp.clamp(x, min=-_FAR, max=_FAR)
    cumulative = 0.5 * (1.0 + xp.erf(x * _ROOT_HALF))
    return cumulative + x * xp.exp(-0.5 * x * x) * (0.5 * _ROOT_2_OVER_PI)


def _gelu_variant(arguments: Mapping[str, Any]) -> str | None:
    return "gelu_tanh" if arguments.get("approximate") == "tanh" else None


def _gelu_tanh(x: Any, xp: Any) -> Any:
    return 0.5 * x * (1.0 + xp.tanh(_ROOT_2_OVER_PI * (x + _CUBIC * x * x * x)))


def _gelu_tanh_slope(x: Any, xp: Any) -> Any:
    x = xp.clamp(x, min=-_FAR, max=_FAR)
    bent = xp.tanh(_ROOT_2_OVER_PI * (x + _CUBIC * x * x * x))
    inner = _ROOT_2_OVER_PI * (1.0 + 3.0 * _CUBIC * x * x)
    return 0.5 * (1.0 + bent) + 0.5 * x * (1.0 - bent * bent) * inner


def _quick_gelu(x: Any, xp: Any) -> Any:
    return x * xp.sigmoid(_QUICK * x)


def _quick_gelu_slope(x: Any, xp: Any) -> Any:
    x = _QUICK * xp.clamp(x, min=-4 * _FAR, max=4 * _FAR)
    gate = xp.sigmoid(x)
    return gate * (1.0 + x * (1.0 - gate))


GELU = ActivationFunction(
    name="gelu",
    title="GELU",
    formula="x · Φ(x), Φ the standard normal cumulative distribution",
    value=_gelu,
    slope=_gelu_slope,
    output_range=(-0.16997120747990369, math.inf),
    max_slope=1.128904145185155,
    modules=(
        "torch.nn.modules.activation.GELU",
        "transformers.activations.GELUActivation",
    ),
    callables=("torch.nn.functional.gelu", "torch._C._nn.gelu", "torch._C._nn.gelu_"),
    operators=("aten::gelu", "aten::gelu_"),
    aliases=("gelu erf", "gaussian error linear unit"),
    saturated_below=-2.278560693803223,
    linear_region=(3.0, math.inf),
    variant=_gelu_variant,
    used_for="Feed-forward networks of Transformers (GPT, BERT): smoother gradients than ReLU's "
    "and a slight regularising effect.",
    goes_wrong=_TAIL,
    advice="The choice for a new Transformer. Look at the share of inputs deep in the tail, "
    "below −2.3.",
    source=f"{_HENDRYCKS}.",
)

GELU_TANH = ActivationFunction(
    name="gelu_tanh",
    title="GELU (tanh form)",
    formula="x/2 · (1 + tanh(√(2/π)(x + 0.044715x³)))",
    value=_gelu_tanh,
    slope=_gelu_tanh_slope,
    output_range=(-0.17004075057125403, math.inf),
    max_slope=1.128993068658772,
    modules=(
        "transformers.activations.GELUTanh",
        "transformers.activations.PytorchGELUTanh",
        "transformers.activations.NewGELUActivation",
        "transformers.activations.FastGELUActivation",
        "transformers.activations.AccurateGELUActivation",
    ),
    aliases=("gelu new", "gelu fast", "gelu pytorch tanh", "approximate gelu"),
    saturated_below=-2.2857000662662834,
    linear_region=(3.0, math.inf),
    used_for="The GELU of GPT-2, Gemma and others that were trained with the cheaper tanh form.",
    goes_wrong=_TAIL,
    advice="Keep the form a model was trained with: the two differ by up to 0.0005.",
    source=f"{_HENDRYCKS}, section 2.",
)

QUICK_GELU = ActivationFunction(
    name="quick_gelu",
    title="QuickGELU",
    formula="x · σ(1.702x)",
    value=_quick_gelu,
    slope=_quick_gelu_slope,
    output_range=(-0.1636101896363536, math.inf),
    max_slope=1.099839320128867,
    modules=("transformers.activations.QuickGELUActivation",),
    aliases=("gelu sigmoid", "sigmoid gelu"),
    saturated_below=-2.308987847295213,
    linear_region=(3.0, math.inf),
    used_for="CLIP and models derived from it.",
    goes_wrong=_TAIL,
    advice="Load weights trained with it into the same form: it is off GELU by up to about "
    "0.02, which adds up over layers.",
    source=f"{_HENDRYCKS}, section 2; Radford et al. 2021 (CLIP).",
)

ROWS = (GELU, GELU_TANH, QUICK_GELU)
