"""Copies of tensors that wait until torch measures them together.

Between two layers of a model caches are cold, and the first call of each operation of torch costs
tens of microseconds whatever it does; on an accelerator each operation costs some for its launch.
Measuring a tensor takes tens of operations, copying it one. Of what waits at a site, tensors that
are small for their device are measured as one.
"""

from __future__ import annotations

import threading
import weakref
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor

from actdiag.stats.layout import View, float_type
from actdiag.stats.scratch import dense, turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from actdiag.stats.sums import Sums

MOST_BYTES = 1 << 21
MOST_COPIES = 256
# Values of a tensor that is copied: measuring more than a block takes long enough to be worth its
# first calls, and copying them costs as much as these.
MOST_VALUES = 1 << 16
# Values of a tensor that is worth joining with others of its site.
SMALL = 1 << 14
_LINE = 64  # bytes
# The same on an accelerator, where a launch takes as long as reading some megabytes does.
MOST_BYTES_THERE, MOST_COPIES_THERE, MOST_VALUES_THERE = 1 << 28, 1 << 12, 1 << 20


class Copy:
    """A view whose values were copied, and their sums once it is measured.

    Args:
        view: the copy; null once its memory is used again, or where there is none.
        sums: of the values; null while they are not measured, or hold NaN or Inf.
    """

    __slots__ = ("sums", "view")

    def __init__(self, view: View | None, sums: Sums | None = None) -> None:
        self.view, self.sums = view, sums


class Waiting(NamedTuple):
    """What is to be measured, and which samples of the whole data it is of."""

    copy: Copy
    numbers: int | Tensor


class Owner(Protocol):
    """Whoever measures what waits."""

    def settle(self) -> None:
        """Measure all of it."""


class _Pool(threading.local):
    def __init__(self) -> None:
        self.memory: dict[torch.dtype, Tensor] = {}
        self.used = self.used_there = 0  # bytes
        self.copies: list[Copy] = []
        self.owners: dict[int, weakref.ref[Owner]] = {}  # in their order


_POOL = _Pool()


def copied(view: View) -> Copy | None:
    """A copy of what may wait; null of what is too large."""
    values = view.values
    if not values.is_cpu:
        return _copied_there(view)
    if values.numel() > MOST_VALUES:
        return None
    dtype = float_type(values)
    size = values.numel() * dtype.itemsize
    if _POOL.used + size > MOST_BYTES or len(_POOL.copies) >= MOST_COPIES:
        settle()
    if not _POOL.memory:
        # A tensor made in inference mode could not be written to outside.
        with torch.inference_mode(mode=False):
            memory = torch.empty(MOST_BYTES, dtype=torch.uint8)
            _POOL.memory = {kind: memory.view(kind) for kind in (torch.float32, torch.float64)}
    shape, strides = values.shape, values.stride()
    strides = dense(shape, strides, turned=turns(shape, strides))
    place = _POOL.memory[dtype].as_strided(shape, strides, _POOL.used // dtype.itemsize)
    place.copy_(values.abs() if values.is_complex() else values)
    _POOL.used += -(-size // _LINE) * _LINE
    copy = Copy(View(place, by_sample=view.by_sample, by_unit=view.by_unit))
    _POOL.copies.append(copy)
    return copy


def _copied_there(view: View) -> Copy | None:
    """The same on an accelerator, in memory of its own."""
    values = view.values
    if values.numel() > MOST_VALUES_THERE:
        return None
    size = values.numel() * values.itemsize
    if _POOL.used_there + size > MOST_BYTES_THERE or len(_POOL.copies) >= MOST_COPIES_THERE:
        settle()
    try:
        with torch.inference_mode(mode=False):
            own = values.clone()
    except torch.OutOfMemoryError:
        settle()  # what waits holds memory
        return None
    _POOL.used_there += size
    copy = Copy(View(own, by_sample=view.by_sample, by_unit=view.by_unit))
    _POOL.copies.append(copy)
    return copy


def register(owner: Owner) -> None:
    """Something of this owner waits."""
    _POOL.owners[id(owner)] = weakref.ref(owner)


def settle() -> None:
    """Measure all that waits on this thread."""
    while _POOL.owners:
        owner = _POOL.owners.pop(next(iter(_POOL.owners)))()
        if owner is not None:
            owner.settle()
    for copy in _POOL.copies:
        copy.view = None
    _POOL.copies.clear()
    _POOL.used = _POOL.used_there = 0


def joined(waiting: Sequence[Waiting]) -> Iterator[Waiting]:
    """The same with neighbours that are small and alike as one."""
    for _, group in groupby(waiting, key=_kind):
        alike = list(group)
        yield alike[0] if len(alike) == 1 else _as_one(alike)


def _kind(waiting: Waiting) -> tuple[object, ...]:
    view = waiting.copy.view
    if view is None or (view.values.is_cpu and view.values.numel() > SMALL):
        return (id(waiting),)
    values = view.values
    return (
        values.device,
        values.shape[1:],
        values.stride()[1:],
        values.dtype,
        view.by_sample,
        view.by_unit,
    )


def _as_one(waiting: Sequence[Waiting]) -> Waiting:
    views = [one.copy.view for one in waiting if one.copy.view is not None]
    if views[0].values.stride(1) == 1:  # stays so
        values = torch.cat([view.values.movedim(1, -1) for view in views]).movedim(-1, 1)
    else:
        values = torch.cat([view.values for view in views])
    first, numbers = waiting[0].numbers, [one.numbers for one in waiting]
    sizes = [len(view.values) for view in views]
    joint = View(values, by_sample=views[0].by_sample, by_unit=views[0].by_unit)
    if isinstance(first, int) and numbers == [first + sum(sizes[:at]) for at in range(len(sizes))]:
        return Waiting(Copy(joint), first)
    rows = [
        torch.arange(number, number + size) if isinstance(number, int) else number
        for number, size in zip(numbers, sizes, strict=True)
    ]
    return Waiting(Copy(joint), torch.cat(rows))
