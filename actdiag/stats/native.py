"""The native backend: one walk in C over a tensor on the CPU, straight into a site's tables."""

from __future__ import annotations

import contextlib
import ctypes
import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.stats.layout import arrange
from actdiag.stats.library import backend
from actdiag.stats.moments import Measured, empty, empty_means
from actdiag.stats.picks import NOTHING, Bounds, offsets, spread, unravelled
from actdiag.stats.scratch import flat

if TYPE_CHECKING:
    from array import array

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.layout import View

AXES = 8  # of view.h
CODES = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2, torch.float64: 3}  # of view.h
# Values that 32 bits can count.
MOST_VALUES = 1 << 30
# Rare layouts, in which neither units nor positions are neighbours, are copied up to this size.
MOST_COPIED = 1 << 24
MOST_PLANS = 4096
_KEPT_ROWS, _WIDEST_LANES, _KEPT_HEAD = 10, 16, 8  # of native.c and view.h


class Layout(ctypes.Structure):
    """``View`` of view.h, field by field."""

    _fields_ = (
        ("dtype", ctypes.c_int64),
        ("samples", ctypes.c_int64),
        ("sample_step", ctypes.c_int64),
        ("units", ctypes.c_int64),
        ("unit_step", ctypes.c_int64),
        ("axes", ctypes.c_int64),
        ("size", ctypes.c_int64 * AXES),
        ("step", ctypes.c_int64 * AXES),
        ("positions", ctypes.c_int64),
        ("spans", ctypes.c_int64),
        ("picked_samples", ctypes.c_int64),
        ("picked_step", ctypes.c_int64),
        ("picked_values", ctypes.c_int64),
        ("picks", ctypes.c_int64),
        ("budget", ctypes.c_int64),
        ("offsets", ctypes.c_void_p),
        ("rows", ctypes.c_int64),
        ("row_places", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """How all tensors of one shape and layout are walked; made once.

    Attributes:
        layout: for the kernel, at ``address``.
        units: columns of the tables.
        samples: whose values are picked.
        places: how many values of a sample may be picked.
        axes: for :func:`arrange`, where the tensor has to be copied first; else null.
        scattered: kept alive for the layout, which points into it.
        rows: where the positions lie whose units are kept as rows, relative to a sample.
        values: how many there are.
    """

    layout: Layout
    address: int
    units: int
    by_unit: bool
    by_sample: bool
    samples: int
    places: int
    axes: dict[str, Any] | None
    scattered: Tensor | None
    rows: Tensor
    values: int

    @property
    def has_rows(self) -> bool:
        """Whether rows of units may be kept of the samples."""
        return self.by_sample and self.by_unit

    def memory(self, tensor: Tensor) -> Tensor:
        """What is walked instead of the tensor: itself, or a copy in another order."""
        return tensor if self.axes is None else arrange(tensor, **self.axes).values.contiguous()


_PLANS: dict[tuple[object, ...], Plan | None] = {}
_PLAIN = (Tensor, torch.nn.Parameter)  # of other classes the memory may not be what they seem


def plan_of(
    tensor: Tensor,
    *,
    unit_axis: int | None,
    sample_axis: int | None,
    samples: int,
    picks: Bounds = NOTHING,
) -> Plan | None:
    """How the kernel walks this tensor, and how much it picks of it.

    Null where it does not: without the native backend, on other devices, for types without a
    kernel and for layouts that stock operations serve better.

    Raises:
        IndexError: an axis is out of range.
    """
    dtype = tensor.dtype
    if (
        backend().library is None
        or dtype not in CODES
        or not tensor.is_cpu
        or type(tensor) not in _PLAIN
        or tensor.layout is not torch.strided
        or tensor.is_neg()
    ):
        return None
    key = (dtype, tensor.shape, tensor.stride(), unit_axis, sample_axis, samples, picks)
    try:
        return _PLANS[key]
    except KeyError:
        axes: dict[str, Any] = {
            "unit_axis": unit_axis,
            "sample_axis": sample_axis,
            "samples": samples,
        }
        plan = _plan(arrange(tensor, **axes), picks, axes)
        if len(_PLANS) >= MOST_PLANS:
            _PLANS.clear()
        _PLANS[key] = plan
        return plan


def forget() -> None:
    """Choose the backend anew, as when the process began."""
    backend.cache_clear()
    library.cache_clear()
    _PLANS.clear()


@cache
def library() -> ctypes.CDLL:
    """The kernel, ready for the threads that torch uses."""
    found = backend().library
    assert found is not None  # noqa: S101 - without it there is no plan
    found.actdiag_pool(_pool())
    return found


def _pool() -> int | None:
    """Address of ``GOMP_parallel`` in the OpenMP that torch uses; null where there is none.

    A second pool of threads would compete with the first, whose threads spin for a while.
    """
    own = sorted(Path(torch.__file__).with_name("lib").glob("libgomp*"))
    for path in (*map(str, own), None):
        with contextlib.suppress(OSError, AttributeError, TypeError):
            return ctypes.cast(ctypes.CDLL(path).GOMP_parallel, ctypes.c_void_p).value
    return None


def _plan(
    view: View, picks: Bounds, arrangement: dict[str, Any], *, copied: bool = False
) -> Plan | None:
    """A plan for a view, or for its copy where no axis that is read along is contiguous."""
    shape, strides = view.values.shape, view.values.stride()
    samples, units = shape[:2]
    spans = view.by_sample and len(shape) > 2  # noqa: PLR2004 - sample and unit come first
    axes = list(zip(shape[2:], strides[2:], strict=True))
    if not spans:
        axes.append((samples, strides[0]))
    axes = _joined(axes)
    outer = (samples, strides[0]) if spans else (1, 0)
    if not spans and len(axes) > 1:  # the outermost axis takes the place of the samples
        outer, axes = axes[0], axes[1:]
    values = outer[0] * math.prod(size for size, _ in axes)
    reads = (bool(axes) and axes[-1][1] == 1) or units == 1 or strides[1] == 1
    if len(axes) > AXES or values * units >= MOST_VALUES:
        return None
    if not reads:
        if copied or view.values.numel() > MOST_COPIED:
            return None
        view = replace(view, values=view.values.contiguous())
        return _plan(view, picks, arrangement, copied=True)
    scattered = offsets(tuple(shape[1:]), strides[1:], picks.each) if picks.each else None
    rows = _places(tuple(shape[2:]), strides[2:])
    layout = Layout(
        dtype=CODES[view.values.dtype],
        samples=outer[0],
        sample_step=outer[1],
        units=units,
        unit_step=strides[1],
        axes=len(axes),
        size=tuple(size for size, _ in axes),
        step=tuple(step for _, step in axes),
        positions=math.prod(size for size, _ in axes),
        spans=spans,
        picked_samples=samples,
        picked_step=strides[0],
        picked_values=math.prod(shape[1:]),
        picks=0 if scattered is None else len(scattered),
        budget=picks.budget,
        offsets=None if scattered is None else scattered.data_ptr(),
        rows=len(rows),
        row_places=rows.data_ptr(),
    )
    return Plan(
        layout=layout,
        address=ctypes.addressof(layout),
        units=units,
        by_unit=view.by_unit,
        by_sample=view.by_sample,
        samples=samples,
        places=layout.picks,
        axes=arrangement if copied else None,
        scattered=scattered,
        rows=rows,
        values=view.values.numel(),
    )


def _places(shape: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    """Where the positions of :func:`spread` lie, relative to the first."""
    if not shape:
        return torch.zeros(1, dtype=torch.int64)
    coordinates = unravelled(spread(math.prod(shape)), shape)
    return torch.stack(coordinates, dim=1) @ torch.tensor(strides)


def _joined(axes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Axes ``(size, step)`` from the longest step to the shortest, neighbours joined.

    Repeated values, whose step is 0, come first: the innermost axis is the one to read along.
    """
    found: list[tuple[int, int]] = []
    for size, step in sorted(axes, key=lambda axis: -axis[1] if axis[1] else -math.inf):
        if size == 1:
            continue
        if found and step and found[-1][1] == size * step:
            found[-1] = (found[-1][0] * size, step)
        else:
            found.append((size, step))
    return found


def merge_moments(
    plan: Plan,
    tensor: Tensor,
    table: Tensor,
    samples: Tensor | None,
    buckets: Tensor | None = None,
    numbers: int | Tensor = 0,
    ahead: tuple[Regions, Tensor] | None = None,
) -> int:
    """Merge a tensor into tables as in :mod:`actdiag.stats.moments`, in place.

    ``buckets`` are the counts of :mod:`actdiag.stats.quantiles`, ``numbers`` those of the samples
    whose picks they count. ``ahead`` are the thresholds of the function that will read the tensor,
    and the table that becomes what :func:`merge_regions` would add. Gives the number of NaN.

    Raises:
        MemoryError: there was none left.
    """
    memory = plan.memory(tensor)
    found: int = library().actdiag_measure(
        plan.address,
        memory.data_ptr(),
        torch.get_num_threads(),
        table.data_ptr(),
        None if samples is None else samples.data_ptr(),
        None if buckets is None else buckets.data_ptr(),
        *_numbers(numbers),
        *((None, None) if ahead is None else (ctypes.addressof(ahead[0]), ahead[1].data_ptr())),
    )
    if found < 0:
        raise MemoryError
    return found


def measure(view: View) -> Measured | None:
    """As :func:`actdiag.stats.units.measure`; null where stock operations must do it."""
    plan = plan_of(
        view.values,
        unit_axis=1,
        sample_axis=0 if view.by_sample else None,
        samples=view.values.shape[0],
    )
    if plan is None:
        return None
    table, samples = empty(plan.units), empty_means(plan.units) if plan.by_sample else None
    nan = merge_moments(plan, view.values, table, samples)
    return Measured(table, samples, nan)


class Regions(ctypes.Structure):
    """``Regions`` of view.h: thresholds of a function, NaN where it has none."""

    _fields_ = tuple((name, ctypes.c_double) for name in ("below", "above", "first", "last"))


def regions_of(function: ActivationFunction) -> Regions:
    """The thresholds of a function for the kernel."""
    first, last = function.linear_region or (math.nan, math.nan)
    ends = (function.saturated_below, function.saturated_above)
    below, above = (math.nan if end is None else end for end in ends)
    return Regions(below, above, first, last)


def kept_size(units: int) -> int:
    """How many numbers of 64 bits ``Kept`` of native.c may take."""
    return _KEPT_HEAD + _KEPT_ROWS * (units + _WIDEST_LANES)


def merge_regions(plan: Plan, tensor: Tensor, table: Tensor, regions: Regions) -> None:
    """Merge a function's inputs into a table as in :mod:`actdiag.stats.regions`, in place.

    Raises:
        MemoryError: there was none left.
    """
    memory = plan.memory(tensor)
    failed: int = library().actdiag_regions(
        plan.address,
        memory.data_ptr(),
        torch.get_num_threads(),
        table.data_ptr(),
        ctypes.addressof(regions),
    )
    if failed:
        raise MemoryError


def join(places: Tensor, table: Tensor) -> None:
    """Merge what was counted ahead into a table as in :mod:`actdiag.stats.regions`, in place."""
    library().actdiag_join(places.data_ptr(), table.data_ptr(), table.shape[1])


def gather_picks(plan: Plan, tensor: Tensor, numbers: int | Tensor) -> Tensor:
    """The finite picks and how many values each stands for, shape ``(2, picks)``, float64.

    The next call overwrites them.
    """
    memory = plan.memory(tensor)
    room = flat("gathered", 2 * plan.samples * plan.places, torch.float64).view(2, -1)
    found: int = library().actdiag_gather(
        plan.address,
        memory.data_ptr(),
        room[0].data_ptr(),
        room[1].data_ptr(),
        *_numbers(numbers),
    )
    return room[:, :found]


def _numbers(numbers: int | Tensor) -> tuple[int, int | None]:
    """That of the first sample, or where those of all samples lie."""
    return (numbers, None) if isinstance(numbers, int) else (0, numbers.data_ptr())


def copy_rows(
    plan: Plan, tensor: Tensor, places: array[int], slots: array[int], rows: Tensor
) -> None:
    """Copy the rows of units of some samples into slots of ``rows`` ``(slots, positions, units)``.

    ``places`` and ``slots`` are of the samples, of 64 bits.
    """
    memory = plan.memory(tensor)
    library().actdiag_rows(
        plan.address,
        memory.data_ptr(),
        places.buffer_info()[0],
        slots.buffer_info()[0],
        len(places),
        rows.data_ptr(),
    )
