"""Softmax with a temperature, on plain floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def softmax(values: Sequence[float], temperature: float = 1.0) -> list[float]:
    """exp(v / T) / Σ exp(v / T): positive numbers that sum to 1; no logit is too large for it.

    ``T < 1`` sharpens the distribution, ``T > 1`` softens it, ``T = 1`` changes nothing.

    Args:
        values: logits, at least one.
        temperature: T, above 0.

    Raises:
        UsageError: if there are no values or the temperature is not a positive number.

    >>> [round(share, 3) for share in softmax([2.0, 1.0, 0.1])]
    [0.659, 0.242, 0.099]
    """
    weights = [math.exp(shifted) for shifted in _shifted(values, temperature)]
    total = sum(weights)
    return [weight / total for weight in weights]


def log_softmax(values: Sequence[float], temperature: float = 1.0) -> list[float]:
    """The logarithm of :func:`softmax`, exact also where a share is too small for a float."""
    shifted = _shifted(values, temperature)
    log_total = math.log(sum(map(math.exp, shifted)))
    return [value - log_total for value in shifted]


def _shifted(values: Sequence[float], temperature: float) -> list[float]:
    """Divide by the temperature; the largest becomes 0, so that no exponential overflows."""
    if not values:
        raise UsageError(
            "softmax was asked of no values at all.", hint="Give at least one number (logit)."
        )
    if not 0 < temperature < math.inf:
        raise UsageError(
            f"softmax was asked with temperature {temperature}.",
            hint="Use a temperature above 0: below 1 sharpens, above 1 softens, 1 changes nothing.",
        )
    largest = max(values)
    return [(value - largest) / temperature for value in values]
