"""Functions that pull inputs towards 0 and keep their sign."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.row import ActivationFunction

_REAL_LINE = (-math.inf, math.inf)
_ISTA = "Gregor & LeCun 2010, Learning Fast Approximations of Sparse Coding"


def _softshrink(x: Any, xp: Any, *, lambd: float = 0.5) -> Any:
    return x - xp.clamp(x, min=-lambd, max=lambd)


def _outside_slope(x: Any, xp: Any, *, lambd: float = 0.5) -> Any:
    return xp.where(xp.abs(x) > lambd, xp.ones_like(x), 0.0)


def _hardshrink(x: Any, xp: Any, *, lambd: float = 0.5) -> Any:
    return xp.where(xp.abs(x) > lambd, x, 0.0)


def _shrink_numbers(lambd: float) -> dict[str, Any]:
    return {"linear_region": (lambd, math.inf)}


def _tanhshrink(x: Any, xp: Any) -> Any:
    return x - xp.tanh(x)


def _tanhshrink_slope(x: Any, xp: Any) -> Any:
    y = xp.tanh(x)
    return y * y


SOFTSHRINK = ActivationFunction(
    name="softshrink",
    title="Softshrink",
    formula="x − λ if x > λ, x + λ if x < −λ, else 0",
    value=_softshrink,
    slope=_outside_slope,
    output_range=_REAL_LINE,
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Softshrink",),
    callables=("torch.nn.functional.softshrink", "torch._C._nn.softshrink"),
    operators=("aten::softshrink",),
    aliases=("soft thresholding",),
    linear_region=(0.5, math.inf),
    settings={"lambd": 0.5},
    numbers=_shrink_numbers,
    used_for="Sparse coding and denoising, where small values are noise.",
    goes_wrong="Inputs within ±λ give exactly 0 and no gradient: a unit that stays there is dead.",
    advice="Choose λ from the scale of the inputs; normalised ones lie mostly within ±1.",
    source=f"Daubechies, Defrise & De Mol 2004 (ISTA); {_ISTA}.",
)

HARDSHRINK = ActivationFunction(
    name="hardshrink",
    title="Hardshrink",
    formula="x if |x| > λ else 0",
    value=_hardshrink,
    slope=_outside_slope,
    output_range=_REAL_LINE,
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Hardshrink",),
    callables=(
        "torch.nn.functional.hardshrink",
        "torch.hardshrink",
        "torch.Tensor.hardshrink",
    ),
    operators=("aten::hardshrink",),
    aliases=("hard thresholding",),
    linear_region=(0.5, math.inf),
    settings={"lambd": 0.5},
    numbers=_shrink_numbers,
    used_for="Sparse coding, where what is kept must keep its size.",
    goes_wrong="Inputs within ±λ give exactly 0 and no gradient, and the output jumps at ±λ.",
    advice="Prefer Softshrink, which has no jump, unless the size of the values matters.",
    source=f"Blumensath & Davies 2008 (iterative hard thresholding); {_ISTA}.",
)

TANHSHRINK = ActivationFunction(
    name="tanhshrink",
    title="Tanhshrink",
    formula="x − tanh(x)",
    value=_tanhshrink,
    slope=_tanhshrink_slope,
    output_range=_REAL_LINE,
    max_slope=1.0,
    modules=("torch.nn.modules.activation.Tanhshrink",),
    callables=("torch.nn.functional.tanhshrink",),
    linear_region=(3.0, math.inf),
    used_for="A smooth shrinkage without a setting; rare in today's models.",
    goes_wrong="It is flat around 0, where most inputs of a normalised layer lie.",
    advice="Look at the mean slope: below 0.05 the layer passes hardly any gradient.",
    source="PyTorch documentation, torch.nn.Tanhshrink; from Torch7 (Collobert et al. 2011).",
)

ROWS = (SOFTSHRINK, HARDSHRINK, TANHSHRINK)
