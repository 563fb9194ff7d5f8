"""One view for every tensor, ``(samples, units, positions...)``, and cache-sized blocks of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

# A block of float32, a float64 copy of it and a mask together take 1 MB of cache.
CACHE_ELEMENTS = 1 << 16
# Where an operation overwrites the copy of the last one they take 1.5 MB at this size. Smaller
# blocks cost more, since every operation takes microseconds beside its work: measured, a tenth.
BLOCK_ELEMENTS = 1 << 17
# On an accelerator a launch costs more than a trip to memory; at this size what is computed of a
# block in float64 takes about a hundred megabytes.
LAUNCH_ELEMENTS = 1 << 22
# Partial results are one row of units per block; this keeps them a small share of the block, or on
# an accelerator of its memory.
WIDEST, WIDEST_THERE = 1 << 11, 1 << 16


# Axis 0 is of samples, axis 1 of units, the others of positions.
POSITIONS = 2
# What float32 holds exactly, beside the narrower floating-point types.
_NARROW = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.uint16)


@dataclass(frozen=True, slots=True)
class View:
    """A tensor seen by sample and unit, without copying.

    Attributes:
        values: shape ``(samples, units, *positions)``, any strides; one unit when no axis is known.
        by_sample: whether axis 0 is that of the samples; otherwise it has length 1.
        by_unit: whether axis 1 is that of the units; otherwise it has length 1.
    """

    values: Tensor
    by_sample: bool
    by_unit: bool


def arrange(
    tensor: Tensor, *, unit_axis: int | None, sample_axis: int | None = None, samples: int = 1
) -> View:
    """View a tensor of any layout as ``(samples, units, *positions)``.

    A sample axis that is ``k`` times as long as ``samples`` holds ``k`` consecutive rows of each
    sample, as when tokens were flattened into rows. One that does not divide is no sample axis.

    Raises:
        IndexError: an axis is out of range.
    """
    tensor = plain(tensor)
    found = _arrangement(tensor.shape, tensor.stride(), unit_axis, sample_axis, samples)
    values = tensor.as_strided(found.shape, found.strides)
    return View(values, by_sample=found.by_sample, by_unit=found.by_unit)


class _Arrangement(NamedTuple):
    """Shape and strides of a view, and which of its axes are known."""

    shape: list[int]
    strides: list[int]
    by_sample: bool
    by_unit: bool


@lru_cache(maxsize=4096)
def _arrangement(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    unit_axis: int | None,
    sample_axis: int | None,
    samples: int,
) -> _Arrangement:
    ranks = range(-len(shape), len(shape))
    for axis in (unit_axis, sample_axis):
        if axis is not None and axis not in ranks:
            raise IndexError(f"axis {axis} of a tensor with shape {tuple(shape)}")
    unit = None if unit_axis is None else unit_axis % len(shape)
    sample = None if sample_axis is None else sample_axis % len(shape)
    if sample == unit or samples < 1 or (sample is not None and shape[sample] % samples):
        sample = None
    axes = list(zip(shape, strides, strict=True))
    rest = [axes[axis] for axis in range(len(shape)) if axis not in (sample, unit)]
    first = (1, 0) if sample is None else axes[sample]
    second = (1, 0) if unit is None else axes[unit]
    if sample is not None and first[0] != samples:
        rows = first[0] // samples
        rest.insert(0, (rows, first[1]))
        first = (samples, first[1] * rows)
    sizes, steps = zip(first, second, *_joined(rest), strict=True)
    return _Arrangement(list(sizes), list(steps), sample is not None, unit is not None)


def plain(tensor: Tensor) -> Tensor:
    """The same values as an ordinary, dense tensor without gradient."""
    if tensor.requires_grad:
        tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_complex():
        tensor = tensor.resolve_conj()
    return tensor.resolve_neg() if tensor.is_neg() else tensor


def as_float(block: Tensor) -> Tensor:
    """A block in float32 where that is exact, else in float64; of complex values their size."""
    dtype = float_type(block)
    return (block.abs() if block.is_complex() else block).to(dtype)


def float_type(block: Tensor) -> torch.dtype:
    """float32 where it holds every value of the block's type exactly, else float64."""
    wide = block.dtype in (torch.float64, torch.complex128)
    narrow = block.dtype in _NARROW or block.is_floating_point() or block.is_complex()
    return torch.float32 if narrow and not wide else torch.float64


def _joined(axes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join neighbouring axes whose strides allow it: fewer axes reduce faster."""
    found: list[tuple[int, int]] = []
    for size, stride in axes:
        if size == 1:
            continue
        if found and found[-1][1] == size * stride:
            found[-1] = (found[-1][0] * size, stride)
        else:
            found.append((size, stride))
    return found


def columns(values: Tensor) -> tuple[Tensor, ...]:
    """Cut a view into ranges of units that are not too wide."""
    widest = WIDEST if values.is_cpu else WIDEST_THERE
    return (values,) if values.shape[1] <= widest else torch.split(values, widest, dim=1)


def groups(values: Tensor) -> Iterator[list[Tensor]]:
    """Cut a view into whole samples that fit a block, or a single sample cut into such blocks.

    Where positions lie farther apart than samples do, all samples are cut into ranges of positions.
    """
    limit = BLOCK_ELEMENTS if values.device.type == "cpu" else LAUNCH_ELEMENTS
    if values.numel() <= limit:
        yield [values]
        return
    strides = values.stride()
    axis = max(range(values.ndim), key=strides.__getitem__)
    if axis >= POSITIONS and values.numel() // values.shape[axis] <= limit:
        yield list(_ranges(values, axis, limit))
        return
    step = max(1, limit // math.prod(values.shape[1:]))
    for part in torch.split(values, step):
        yield list(_pieces(part, limit))


def _pieces(part: Tensor, limit: int) -> Iterator[Tensor]:
    """Cut along the longest position axis until a piece is small enough."""
    if part.numel() <= limit or part.ndim == POSITIONS:
        yield part
        return
    axis = max(range(2, part.ndim), key=lambda axis: part.shape[axis])
    for piece in _ranges(part, axis, limit):
        yield from _pieces(piece, limit)


def _ranges(part: Tensor, axis: int, limit: int) -> tuple[Tensor, ...]:
    """Cut along an axis into pieces of equal size that are small enough, if any are."""
    size = part.shape[axis]
    count = math.ceil(size / max(1, limit // (part.numel() // size)))
    return torch.split(part, math.ceil(size / count), dim=axis)
