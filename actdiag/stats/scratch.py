"""Buffers on the CPU that every measurement overwrites: fresh memory costs more than the work."""

from __future__ import annotations

import math
import threading
from functools import lru_cache

import torch
from torch import Tensor

from actdiag.stats.layout import POSITIONS, float_type

# Reductions over fewer neighbouring numbers than this are slower than turning the block around.
SHORT = 64


_MOST_VIEWS = 256


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.bytes: dict[str, Tensor] = {}
        self.views: dict[tuple[object, ...], Tensor] = {}


_BUFFERS = _Buffers()


def flat(name: str, size: int, dtype: torch.dtype) -> Tensor:
    """An uninitialised vector, the same memory for the same name on the same thread."""
    needed = size * dtype.itemsize
    found = _BUFFERS.bytes.get(name)
    if found is None or len(found) < needed:
        # A tensor made in inference mode could not be written to outside.
        with torch.inference_mode(mode=False):
            found = torch.empty(-(-needed // 8) * 8, dtype=torch.uint8)
        _BUFFERS.bytes[name] = found
        _BUFFERS.views.clear()
    return found[:needed].view(dtype)


def beside(name: str, values: Tensor, dtype: torch.dtype) -> Tensor:
    """A buffer of the shape of a tensor, with its axes in the same order in memory."""
    key = name, values.shape, values.stride(), dtype
    found = _BUFFERS.views.get(key)
    if found is None:
        with torch.inference_mode(mode=False):
            memory = flat(name, values.numel(), dtype)
            found = memory.as_strided(values.shape, dense(values.shape, values.stride()))
        if len(_BUFFERS.views) >= _MOST_VIEWS:
            _BUFFERS.views.clear()
        _BUFFERS.views[key] = found
    return found


@lru_cache(maxsize=1024)
def dense(
    shape: tuple[int, ...], strides: tuple[int, ...], *, turned: bool = False
) -> tuple[int, ...]:
    """Strides without gaps, in the same order as these or, if turned, with the units last."""
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])
    if turned:
        order = [0, *range(POSITIONS, len(shape)), 1]
    found = [0] * len(shape)
    for place, axis in enumerate(order):
        found[axis] = math.prod(shape[inner] for inner in order[place + 1 :])
    return tuple(found)


def readable(block: Tensor) -> Tensor:
    """The block as float until the next call, so laid out that reductions run along its memory.

    Short rows of positions are turned around until its units lie together, and so is whatever is
    neither rows of units nor rows of positions, sample after sample.
    """
    dtype = float_type(block)
    values = block.abs() if block.is_complex() else block
    if turns(values.shape, values.stride()):
        turned = flat("readable", values.numel(), dtype)
        turned = turned.view(values.shape[0], *values.shape[2:], values.shape[1]).movedim(-1, 1)
        return turned.copy_(values)
    return values if values.dtype == dtype else beside("readable", values, dtype).copy_(values)


@lru_cache(maxsize=1024)
def turns(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether the units of such a block should be made to lie together."""
    if len(shape) == POSITIONS:
        return 1 not in strides and 1 not in shape
    if strides[-1] == 1 and strides[1] != 1:
        return shape[-1] < SHORT
    axes = list(zip(shape, strides, strict=True))
    outer = [axis for axis in (axes[0], *axes[2:]) if axis[0] > 1]
    if shape[1] > 1 and strides[1] != 1:
        return True
    ordered = sorted(outer, key=lambda axis: -axis[1])
    if outer == ordered:
        return False
    inside = shape[1]  # in another order they may be read as one axis, if they lie side by side
    for size, step in reversed(ordered):
        if step != inside:
            return True
        inside *= size
    return False
