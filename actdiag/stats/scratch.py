"""Buffers on the CPU that every measurement overwrites: fresh memory costs more than the work."""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor

from actdiag.stats.layout import POSITIONS, float_type

# Reductions over fewer neighbouring numbers than this are slower than turning the block around.
SHORT = 64


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.flat: dict[tuple[str, torch.dtype], Tensor] = {}


_BUFFERS = _Buffers()


def flat(name: str, size: int, dtype: torch.dtype) -> Tensor:
    """An uninitialised vector, the same memory for the same name on the same thread."""
    found = _BUFFERS.flat.get((name, dtype))
    if found is None or len(found) < size:
        # A tensor made in inference mode could not be written to outside.
        with torch.inference_mode(mode=False):
            found = torch.empty(size, dtype=dtype)
        _BUFFERS.flat[name, dtype] = found
    return found[:size]


def beside(name: str, values: Tensor, dtype: torch.dtype) -> Tensor:
    """A buffer of the shape of a tensor, with its axes in the same order in memory."""
    order = sorted(range(values.ndim), key=lambda axis: -values.stride()[axis])
    strides = [0] * values.ndim
    for place, axis in enumerate(order):
        strides[axis] = math.prod(values.shape[inner] for inner in order[place + 1 :])
    return flat(name, values.numel(), dtype).as_strided(values.shape, strides)


def readable(block: Tensor) -> Tensor:
    """The block as float until the next call; where its rows are short, its units lie together."""
    dtype = float_type(block)
    values = block.abs() if block.is_complex() else block
    if values.ndim > POSITIONS and values.stride(-1) == 1 and values.shape[-1] < SHORT:
        turned = flat("readable", values.numel(), dtype)
        turned = turned.view(values.shape[0], *values.shape[2:], values.shape[1]).movedim(-1, 1)
        return turned.copy_(values)
    return values if values.dtype == dtype else beside("readable", values, dtype).copy_(values)
