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
    strides = _dense(values.shape, values.stride())
    return flat(name, values.numel(), dtype).as_strided(values.shape, strides)


@lru_cache(maxsize=1024)
def _dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """Strides without gaps, in the same order as these."""
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])
    found = [0] * len(shape)
    for place, axis in enumerate(order):
        found[axis] = math.prod(shape[inner] for inner in order[place + 1 :])
    return found


def readable(block: Tensor) -> Tensor:
    """The block as float until the next call; where its rows are short, its units lie together."""
    dtype = float_type(block)
    values = block.abs() if block.is_complex() else block
    if values.ndim > POSITIONS and values.stride(-1) == 1 and values.shape[-1] < SHORT:
        turned = flat("readable", values.numel(), dtype)
        turned = turned.view(values.shape[0], *values.shape[2:], values.shape[1]).movedim(-1, 1)
        return turned.copy_(values)
    return values if values.dtype == dtype else beside("readable", values, dtype).copy_(values)
