"""The namespace ``xp`` for plain floats: torch's names and conventions, without torch.

Nothing overflows with an exception: where a float64 tensor would hold ``inf``, so do these.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.functions import temperature

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "abs",
    "clamp",
    "erf",
    "exp",
    "expm1",
    "full_like",
    "log1p",
    "log_softmax",
    "neg",
    "ones_like",
    "sigmoid",
    "softmax",
    "tanh",
    "where",
]

abs = math.fabs  # noqa: A001 - torch's name for it
erf = math.erf
log1p = math.log1p
tanh = math.tanh


def exp(x: float) -> float:
    """eˣ, ``inf`` where it is too large for a float."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def expm1(x: float) -> float:
    """eˣ − 1, exact near 0, ``inf`` where it is too large for a float."""
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ), without loss at either end."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    power = math.exp(x)
    return power / (1.0 + power)


def where(condition: bool, chosen: float, otherwise: float) -> float:  # noqa: FBT001 - torch's form
    """``chosen`` if the condition holds; both have been computed already."""
    return chosen if condition else otherwise


def clamp(x: float, min: float = -math.inf, max: float = math.inf) -> float:  # noqa: A002
    """``x`` moved into the limits; NaN stays NaN. The arguments are named as torch names them."""
    if x < min:
        return min
    return max if x > max else x  # noqa: FURB136 - min and max are the limits here


def ones_like(_x: float) -> float:
    """1, for ``where`` to choose: a tensor of ones keeps dtype and device."""
    return 1.0


def full_like(_x: float, fill: float) -> float:
    """``fill``, for ``where`` to choose: a full tensor keeps dtype and device."""
    return fill


def neg(values: Sequence[float]) -> list[float]:
    """A vector with each sign turned."""
    return [-value for value in values]


def softmax(values: Sequence[float], dim: int = -1) -> list[float]:
    """Softmax of one vector: a list has one axis, whatever axis a tensor would be taken along."""
    return temperature.softmax(values)


def log_softmax(values: Sequence[float], dim: int = -1) -> list[float]:
    """Logarithm of the softmax of one vector."""
    return temperature.log_softmax(values)
