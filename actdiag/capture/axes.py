"""Where the units and the samples lie in what a call makes of tensors.

What is not known for certain is left out: statistics by a wrong axis would be wrong numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.capture.origins import (
    PRODUCTS,
    Side,
    broadcast,
    given,
    named_axes,
    origins_of,
    place_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from actdiag.capture.observer import Call

# These take entries in another order, along the axis that stands at this place of the call.
_SHUFFLES = dict.fromkeys(("flip", "index_select", "gather", "take_along_dim", "sort"), 1)
_SHUFFLES |= {"roll": 2, "topk": 2}


def axes_after(
    name: str, call: Call, sides: Sequence[Side], output: Tensor, samples: int
) -> tuple[int | None, int | None]:
    """The unit and the sample axis of ``output``, where all that it came from agree.

    Args:
        name: of the operation.
        call: of it.
        sides: the arguments that were computed.
        output: what the call gave, or one of several tensors.
        samples: in the batch.
    """
    units, rows = set(), set()
    for side in sides:
        origins = origins_of(name, call, side, output)
        row = place_of(side.trail.sample_axis, origins)
        if row is not None and _keeps_samples(name, call, side, output.shape[row]):
            rows.add(row)
        if name in PRODUCTS and len(sides) == 1:  # by a constant, which sums up units to others
            origins = broadcast(side.tensor, output)
        units.add(place_of(side.trail.unit_axis, origins))
    units -= {None}
    rows = {row for row in rows if samples and output.shape[row] % samples == 0}
    return units.pop() if len(units) == 1 else None, rows.pop() if len(rows) == 1 else None


def _keeps_samples(name: str, call: Call, side: Side, size: int) -> bool:
    """Whether the samples follow each other as before; ``size`` is that of their axis now."""
    axis, dimensions = side.trail.sample_axis or 0, side.tensor.dim()
    if name == "repeat_interleave":
        return isinstance(given(call, 1, "repeats"), int)
    if name == "flip" and len(call.args) > 2:  # noqa: PLR2004 - x.flip(0, 1)
        return axis not in {place % dimensions for place in call.args[1:]}
    if name in _SHUFFLES and axis in named_axes(call, side.tensor, _SHUFFLES[name]):
        return False
    return size == side.tensor.shape[axis]
