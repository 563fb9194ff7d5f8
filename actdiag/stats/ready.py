"""Measuring again what was measured before: all that the kernel needs is prepared once.

Between two layers of a model the processor's caches are cold, so that most of what a measurement
costs beside the kernel is the Python code that it runs through. What is laid out like the last
tensor of its site is taken in by one call of the kernel with a few numbers.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from actdiag.stats import native
from actdiag.stats.guards import guard_of

if TYPE_CHECKING:
    from actdiag.stats.ahead import Ahead, Axes
    from actdiag.stats.native import Plan, Regions
    from actdiag.stats.quantiles import Buckets
    from actdiag.stats.rows import Picked, Slots

_PLAIN = (Tensor, torch.nn.Parameter)  # of other classes the memory may not be what they seem
_NO_ROOM = -2  # as in native.c
_COUNT_AHEAD, _IS_RELU = 1, 2  # likewise


class _Batch(ctypes.Structure):
    """``Batch`` of native.c."""

    _fields_ = (
        ("threads", ctypes.c_int64),
        ("first", ctypes.c_int64),
        ("many", ctypes.c_int64 * 2),
        ("places", ctypes.c_void_p * 2),
        ("slots", ctypes.c_void_p * 2),
    )


class Batch:
    """What all sites of a batch share.

    Args:
        first: number of its first sample in the whole data.
        picked: the samples whose rows are kept, if any.
    """

    __slots__ = ("_memory", "address", "first", "picked")

    def __init__(self, first: int = 0, picked: Picked | None = None) -> None:
        self.first, self.picked = first, picked
        memory = self._memory = _Batch(torch.get_num_threads(), first)
        for index, chosen in enumerate(picked or ()):
            memory.places[index], memory.many[index] = chosen.places.buffer_info()
            memory.slots[index] = chosen.slots.buffer_info()[0]
        self.address = ctypes.addressof(memory)


class Layout:
    """How a tensor lies, and which of its axes are which: all that a plan depends on.

    Where the axes are the same, the kernel may read a tensor as it read this one if ``guard`` says
    so, which is quick, or :meth:`is_that_of`.

    Args:
        tensor: on the CPU.
        axes: its own.
    """

    __slots__ = ("_dtype", "_shape", "_strides", "axes", "guard")

    def __init__(self, tensor: Tensor, axes: Axes) -> None:
        self.axes, self.guard = axes, guard_of(tensor)
        self._shape, self._strides, self._dtype = tensor.shape, tensor.stride(), tensor.dtype

    def is_that_of(self, tensor: Tensor) -> bool:
        """Whether a tensor lies as the one this was made of."""
        return (
            tensor.shape == self._shape
            and tensor.dtype is self._dtype
            and type(tensor) in _PLAIN
            and tensor.is_cpu
            and tensor.layout is torch.strided
            and tensor.stride() == self._strides
            and not tensor.is_neg()
        )


class _Output(ctypes.Structure):
    """``Output`` of native.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("view", "table", "samples", "buckets")),
        *((name, ctypes.c_void_p) for name in ("regions", "places", "rows")),
        *(("known", ctypes.c_int64), ("kept", ctypes.c_void_p), ("given", ctypes.c_void_p)),
    )


class ReadyOutput:
    """The tables of a site for the kernel, and a layout of outputs that it may add to them.

    Args:
        plan: how such outputs are read.
        layout: theirs.
        table: of moments.
        samples: of the means of samples, or null.
        buckets: of quantiles.

    Attributes:
        slots: of the rows that are kept; null while none were.
    """

    __slots__ = ("_held", "_memory", "_take", "buckets", "layout", "plan", "slots", "table")

    def __init__(
        self, plan: Plan, layout: Layout, table: Tensor, samples: Tensor | None, buckets: Buckets
    ) -> None:
        self.plan, self.layout, self.table, self.buckets = plan, layout, table, buckets
        self.slots: Slots | None = None
        self._held: list[object] = [None, None, samples, None]
        self._memory = _Output(
            plan.address,
            table.data_ptr(),
            None if samples is None else samples.data_ptr(),
            buckets.recent.data_ptr(),
        )
        self._take = native.library().actdiag_output, ctypes.addressof(self._memory)

    def keep(self, slots: Slots) -> None:
        """From now on rows go to these slots."""
        self.slots = slots
        self._memory.rows = slots.rows.data_ptr()

    def expect(self, ahead: Ahead, places: Tensor) -> None:
        """From now on what is counted ahead goes to this table."""
        if self._held[0] is not places:
            self._held[:2] = places, (ahead.regions, ahead.kept)
            self._memory.places = places.data_ptr()
            self._memory.regions = ctypes.addressof(ahead.regions)
            self._memory.kept = None if ahead.kept is None else ahead.kept.data_ptr()

    def take(
        self, output: Tensor, batch: Batch, first: int, *, ahead: bool, kept: Tensor | None = None
    ) -> int:
        """Take in an output of samples numbered from ``first``; gives the number of NaN.

        ``kept`` is what was kept of it, where it is certain to be what ReLU gave.

        Raises:
            MemoryError: there was none left.
        """
        call, address = self._take
        if kept is not None and kept is not self._held[3]:
            self._held[3], self._memory.given = kept, kept.data_ptr()
        how = (_COUNT_AHEAD if ahead else 0) + (0 if kept is None else _IS_RELU)
        found: int = call(address, output.data_ptr(), batch.address, first, how)
        if found < 0:
            raise MemoryError
        return found


class _Input(ctypes.Structure):
    """``Input`` of native.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("view", "table", "regions", "places")),
        *((name, ctypes.c_void_p) for name in ("values", "weights")),
        ("room", ctypes.c_int64),
    )


class ReadyInput:
    """The table of a function's inputs for the kernel, and a layout of those it may add to it.

    Args:
        plan: how such inputs are read.
        layout: theirs.
        table: of counts.
        regions: the function's thresholds.
        waiting: values and weights of the picks, shape ``(2, room)``, or null.
    """

    __slots__ = ("_held", "_memory", "_take", "layout", "table")

    def __init__(
        self, plan: Plan, layout: Layout, table: Tensor, regions: Regions, waiting: Tensor | None
    ) -> None:
        self.layout, self.table = layout, table
        self._held: list[object] = [None, plan, regions, waiting]
        self._memory = _Input(plan.address, table.data_ptr(), ctypes.addressof(regions))
        if waiting is not None:
            values, weights = waiting
            self._memory.values, self._memory.weights = values.data_ptr(), weights.data_ptr()
            self._memory.room = len(values)
        self._take = native.library().actdiag_input, ctypes.addressof(self._memory)

    def take(
        self, x: Tensor, batch: Batch, first: int, waits: int, ahead: Tensor | None
    ) -> int | None:
        """Take in an input of samples numbered from ``first``, beside ``waits`` picks.

        ``ahead`` is what was counted of it ahead. Gives how many picks were gathered; null where
        there is no room for them, with nothing done.

        Raises:
            MemoryError: there was none left.
        """
        if ahead is not None and ahead is not self._held[0]:
            self._held[0], self._memory.places = ahead, ahead.data_ptr()
        call, address = self._take
        data = x.data_ptr()
        found: int = call(address, data, batch.address, first, waits, ahead is not None)
        if found == _NO_ROOM:
            return None
        if found < 0:
            raise MemoryError
        return found
