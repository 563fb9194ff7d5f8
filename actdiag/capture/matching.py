"""Which activation function a computation was, told by its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from actdiag import functions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.functions.row import ActivationFunction

_VALUES = 256  # looked at, evenly spread
_COARSE = 1 / 16  # our choice: more, and in bfloat16 a scaling of small values passes for an ELU


class Written(NamedTuple):
    """What a call site was found to be: the function, and which tensor it is applied to."""

    row: ActivationFunction
    source: str
    settings: dict[str, float] | None = None


def recognised(sources: dict[str, Tensor], output: Any) -> Written | None:
    """The elementwise function that makes ``output`` of one of the sources, the nearest one."""
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    best, least = None, 1.0
    for name, source in sources.items():
        if source.shape != output.shape:
            continue
        for row, settings, error in _matches(source, output):
            if error < least:
                best, least = Written(row, name, settings), error
    return best


def _matches(
    source: Tensor, output: Tensor
) -> Iterator[tuple[ActivationFunction, dict[str, float], float]]:
    """Rows whose values agree, with their settings and the largest error, 1 being allowed."""
    step = max(1, source.numel() // _VALUES)
    # An accelerator is waited for here, once for all rows.
    x, y = (side.reshape(-1)[::step].cpu().double() for side in (source, output))
    if not bool((x < 0).any() and (x > 0).any() and y.isfinite().all()):
        return
    if bool((x == y).all()):  # any function that is a straight line there would do
        return
    precision = min(64 * torch.finfo(output.dtype).eps, _COARSE)
    allowed = precision * (y.abs() + 0.1 * x.abs().max().clamp(max=1))
    for row in functions.ALL:
        if not row.elementwise or row.name in ("identity", "threshold"):
            continue
        settings = _slope_of_negatives(x, y) if row.name == "leaky_relu" else row.settings
        error = float(((row.value(x, torch, **settings) - y).abs() / allowed).max())
        if error < 1:
            yield row, settings, error


def _slope_of_negatives(x: Tensor, y: Tensor) -> dict[str, float]:
    """A leaky ReLU may have any slope; that of a ReLU would be none."""
    lowest = int(x.argmin())
    slope = float(y[lowest] / x[lowest])
    return {"negative_slope": round(slope, 4) if 0 < slope < 1 else 0.01}
