"""Linear above 0, an exponential that levels off below it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actdiag.functions.row import ActivationFunction

if TYPE_CHECKING:
    from collections.abc import Mapping

# Klambauer et al. 2017, equation 14: the fixed point of mean 0 and variance 1.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
_FLAT = 0.05  # saturated where the slope is below this share of its maximum (RULES ACT103)


def _elu(x: Any, xp: Any, *, alpha: float = 1.0) -> Any:
    return xp.where(x > 0, x, alpha * xp.expm1(x))


def _elu_slope(x: Any, xp: Any, *, alpha: float = 1.0) -> Any:
    return xp.where(x > 0, xp.ones_like(x), alpha * xp.exp(x))


def _elu_numbers(alpha: float) -> dict[str, Any]:
    steepest = max(1.0, abs(alpha))
    tail = min(0.0, math.log(_FLAT * steepest / abs(alpha))) if alpha else None
    return {
        "output_range": (min(0.0, -alpha), math.inf),
        "max_slope": steepest,
        "clips_at_zero": alpha == 0,
        "saturated_below": tail,
    }


def _elu_variant(arguments: Mapping[str, Any]) -> str | None:
    """``aten::elu`` computes SELU and CELU too, told apart by its two scales."""
    if math.isclose(arguments.get("scale", 1.0), SELU_SCALE, rel_tol=1e-6):
        return "selu"
    return "celu" if arguments.get("input_scale", 1.0) != 1.0 else None


def _selu(x: Any, xp: Any) -> Any:
    return SELU_SCALE * _elu(x, xp, alpha=SELU_ALPHA)


def _selu_slope(x: Any, xp: Any) -> Any:
    return SELU_SCALE * _elu_slope(x, xp, alpha=SELU_ALPHA)


def _celu(x: Any, xp: Any, *, alpha: float = 1.0) -> Any:
    return xp.where(x > 0, x, alpha * xp.expm1(x / alpha))


def _celu_slope(x: Any, xp: Any, *, alpha: float = 1.0) -> Any:
    return xp.where(x > 0, xp.ones_like(x), xp.exp(x / alpha))


def _celu_numbers(alpha: float) -> dict[str, Any]:
    return {"output_range": (-alpha, math.inf), "saturated_below": alpha * math.log(_FLAT)}


ELU = ActivationFunction(
    name="elu",
    title="ELU",
    formula="x if x > 0 else α(eˣ − 1)",
    value=_elu,
    slope=_elu_slope,
    output_range=(-1.0, math.inf),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.ELU",),
    callables=(
        "torch.nn.functional.elu",
        "torch.nn.functional.elu_",
        "torch._C._nn.elu",
        "torch._C._nn.elu_",
    ),
    operators=("aten::elu", "aten::elu_"),
    saturated_below=math.log(_FLAT),
    linear_region=(0.0, math.inf),
    settings={"alpha": 1.0},
    numbers=_elu_numbers,
    variant=_elu_variant,
    used_for="A fix for dying ReLU with smooth negatives, which keep the mean activation near 0.",
    goes_wrong="Saturates at −α: far below 0 its gradient is gone too.",
    advice="Look at the share of inputs below −3, where under 5 % of the slope is left.",
    source="Clevert, Unterthiner & Hochreiter 2016, Fast and Accurate Deep Network Learning by "
    "Exponential Linear Units.",
)

SELU = ActivationFunction(
    name="selu",
    title="SELU",
    formula="λx if x > 0 else λα(eˣ − 1), λ = 1.0507, α = 1.6733",
    value=_selu,
    slope=_selu_slope,
    output_range=(-SELU_SCALE * SELU_ALPHA, math.inf),
    max_slope=SELU_SCALE * SELU_ALPHA,
    modules=("torch.nn.modules.activation.SELU",),
    callables=(
        "torch.nn.functional.selu",
        "torch.nn.functional.selu_",
        "torch.selu",
        "torch.selu_",
    ),
    operators=("aten::selu", "aten::selu_"),
    gain=0.75,
    saturated_below=math.log(_FLAT),
    linear_region=(0.0, math.inf),
    used_for="Deep plain MLPs without normalisation: it pulls mean and variance to 0 and 1 itself.",
    goes_wrong="The self-normalising only holds with LeCun initialisation, standardised inputs and "
    "alpha dropout.",
    advice="For self-normalising networks initialise with gain 1 (LeCun); torch's 3/4 gives "
    "that property up for a more stable gradient flow.",
    source="Klambauer et al. 2017, Self-Normalizing Neural Networks; "
    "gain 3/4 as torch.nn.init.calculate_gain.",
)

CELU = ActivationFunction(
    name="celu",
    title="CELU",
    formula="max(0, x) + min(0, α(exp(x/α) − 1))",
    value=_celu,
    slope=_celu_slope,
    output_range=(-1.0, math.inf),
    max_slope=1.0,
    modules=("torch.nn.modules.activation.CELU",),
    callables=(
        "torch.nn.functional.celu",
        "torch.nn.functional.celu_",
        "torch.celu",
        "torch.celu_",
    ),
    operators=("aten::celu", "aten::celu_"),
    saturated_below=math.log(_FLAT),
    linear_region=(0.0, math.inf),
    settings={"alpha": 1.0},
    numbers=_celu_numbers,
    used_for="Where ELU is wanted with another α and a slope that stays continuous at 0.",
    goes_wrong="Saturates at −α like ELU.",
    advice="A larger α moves the flat tail further out: it begins at −3α.",
    source="Barron 2017, Continuously Differentiable Exponential Linear Units.",
)

ROWS = (ELU, SELU, CELU)
