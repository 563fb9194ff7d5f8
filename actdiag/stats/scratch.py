"""Buffers on the CPU that every measurement overwrites: fresh memory costs more than the work."""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor


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
