"""A bounded, evenly scattered set of positions of each sample, the same however data is batched."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from actdiag.stats.layout import LAUNCH_ELEMENTS, as_float
from actdiag.stats.moments import accumulator_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

AT_ONCE = 1 << 16


def picked(values: Tensor, limit: int) -> Iterator[Tensor]:
    """Values at no more than ``limit`` positions of each sample, in pieces of bounded size.

    ``values`` is a view ``(samples, units, *positions)``. A sample of at most ``limit`` values
    gives all of them. The pieces are float32 or float64, of any shape.
    """
    each = math.prod(values.shape[1:])
    device = accumulator_device(values.device)
    at_once = AT_ONCE if device.type == "cpu" else LAUNCH_ELEMENTS
    if each <= limit:
        step = max(1, at_once // each)
        for part in torch.split(values, step):
            yield as_float(part.to(device))
        return
    places = offsets(tuple(values.shape[1:]), values.stride()[1:], limit).to(values.device)
    last = sum((size - 1) * step for size, step in zip(values.shape, values.stride(), strict=True))
    flat = values.as_strided((last + 1,), (1,))
    samples = torch.arange(values.shape[0], device=values.device) * values.stride(0)
    for part in torch.split(samples, max(1, at_once // len(places))):
        chosen = (part.unsqueeze(1) + places).flatten()
        yield as_float(flat.index_select(0, chosen).to(device))


@lru_cache(maxsize=256)
def offsets(shape: tuple[int, ...], strides: tuple[int, ...], limit: int) -> Tensor:
    """Where the picked positions of one sample lie in memory, relative to its first value."""
    total = math.prod(shape)
    places = torch.arange(0, total, even_stride(total, limit))
    coordinates = torch.unravel_index(places, shape)
    return sum(
        (axis * step for axis, step in zip(coordinates, strides, strict=True)),
        start=torch.zeros_like(places),
    )


def even_stride(total: int, limit: int) -> int:
    """The smallest odd stride that picks at most ``limit`` of ``total`` and shares no factor.

    An even or common factor would meet the same channels or columns again and again.
    """
    stride = -(-total // limit) | 1
    while math.gcd(stride, total) > 1:
        stride += 2
    return stride
