"""Where the axes of a tensor lie in what indexing picks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def picked(
    places: tuple[Any, ...], shape: Sequence[int], ordered: int | None
) -> list[int | None] | None:
    """For each axis of ``x[places]`` the axis of ``x`` that it is, or None where it is another.

    Args:
        places: the index, a part for each axis.
        shape: of ``x``.
        ordered: the axis that is itself no longer where its entries may come in another order.

    Returns:
        None for the whole where a part is of a kind that is not known.
    """
    found: list[int | None] = []
    tensors: list[tuple[int, int, Tensor]] = []
    at = 0
    spare = len(shape) - sum(_width(place) for place in places)
    for place in places:
        if place is None:
            found.append(None)
        elif place is Ellipsis or isinstance(place, slice):
            width = spare if place is Ellipsis else 1
            found.extend(range(at, at + width))
            at += width
        elif isinstance(place, Tensor) and place.dim():
            tensors.append((len(found), at, place))
            at += _width(place)
        elif _is_number(place):
            at += 1
        else:
            return None
    found.extend(range(at, len(shape)))
    if tensors:  # those that stand together leave their axes where they stood
        starts = {start for start, _, _ in tensors}
        start = starts.pop() if len(starts) == 1 else 0
        found[start:start] = _of_tensors([entry[1:] for entry in tensors], shape, ordered)
    return found


def _of_tensors(
    indices: list[tuple[int, Tensor]], shape: Sequence[int], ordered: int | None
) -> list[int | None]:
    """The axes that tensors of indices give together."""
    rank = max(1 if _is_mask(index) else index.dim() for _, index in indices)
    for axis, index in indices if rank == 1 else ():
        alone = len(indices) == 1 and _width(index) == 1 and axis != ordered
        if alone or (axis == ordered and _counts(index, shape[axis])):
            return [axis]
    return [None] * rank


def _is_number(place: Any) -> bool:
    if isinstance(place, Tensor):
        return not _is_mask(place)
    return isinstance(place, int) and not isinstance(place, bool)


def _is_mask(index: Tensor) -> bool:
    return index.dtype in (torch.bool, torch.uint8)


def _width(place: Any) -> int:
    """How many axes a part is for."""
    if place is None or place is Ellipsis:
        return 0
    return place.dim() if isinstance(place, Tensor) and _is_mask(place) else 1


def _counts(index: Tensor, size: int) -> bool:
    """Whether the indices are 0, 1, 2 and so on, to the last."""
    if index.shape != (size,) or _is_mask(index) or index.is_meta:
        return False
    return bool((index == torch.arange(size, device=index.device)).all())
