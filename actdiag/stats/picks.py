"""A bounded, scattered set of positions of each sample, the same however the data is batched.

A sample that comes late in the data gives fewer picks than an early one, ``budget / number`` at
most, and each of them stands for more values. So the cost of a batch falls as the data grows, and
the picks of N samples weigh as much as about ``2 * budget`` random ones would (all of them where
the samples are small or few): a rank q is known to about √(q(1 − q) / (2 · budget)).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from actdiag.stats.devices import accumulator_device, sent
from actdiag.stats.layout import LAUNCH_ELEMENTS, as_float
from actdiag.stats.ranks import mixed

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 1 << 16
_MOST_IN_32_BITS = 1 << 31


class Bounds(NamedTuple):
    """How much is picked: at most ``each`` of any sample, and of later ones by the budget."""

    each: int
    budget: int


NOTHING = Bounds(0, 1)


class Piece(NamedTuple):
    """Some picks, in float32 or float64 and of any shape, and how many values each stands for."""

    values: Tensor
    weight: float


def picked(values: Tensor, bounds: Bounds, numbers: int | Tensor) -> Iterator[Piece]:
    """Values at scattered positions of each sample, in pieces of bounded size.

    Args:
        values: a view ``(samples, units, *positions)``.
        bounds: how much is picked.
        numbers: which sample of the whole data the first is, or each, int64 on the CPU.
    """
    device = accumulator_device(values.device)
    at_once = AT_ONCE if device.type == "cpu" else LAUNCH_ELEMENTS
    shape, strides = values.shape, values.stride()
    if isinstance(numbers, int):
        chosen = _places_from(shape, strides, bounds, numbers)
    else:
        chosen = _places(shape, strides, bounds, numbers)
    if chosen is None:
        for part in torch.split(values, max(1, at_once // math.prod(shape[1:]))):
            yield Piece(as_float(part.to(device)), 1.0)
        return
    flat = values.as_strided((chosen.extent,), (1,))
    for where, weight in chosen.places:
        here = sent(where, values.device)
        for part in (here,) if len(here) <= at_once else torch.split(here, at_once):
            yield Piece(as_float(flat.index_select(0, part).to(device)), weight)


class _Places(NamedTuple):
    """Where picks lie relative to the first value of a tensor, and what each stands for."""

    extent: int
    places: list[tuple[Tensor, float]]


@lru_cache(maxsize=32)
def _places_from(
    shape: tuple[int, ...], strides: tuple[int, ...], bounds: Bounds, first: int
) -> _Places | None:
    """The same for all tensors of one batch that lie alike."""
    return _places(shape, strides, bounds, first)


def _places(
    shape: tuple[int, ...], strides: tuple[int, ...], bounds: Bounds, numbers: int | Tensor
) -> _Places | None:
    """Those of a view; null where every value is picked."""
    each = math.prod(shape[1:])
    within = offsets(shape[1:], strides[1:], bounds.each)
    last = numbers + shape[0] - 1 if isinstance(numbers, int) else int(numbers.max())
    if len(within) == each and bounds.budget // (last + 1) >= each:
        return None
    extent = 1 + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    found = []
    for samples, chosen in _chosen(len(within), bounds.budget, numbers, shape[0]):
        where = within[chosen] + samples.unsqueeze(1) * strides[0]
        kind = torch.int32 if extent < _MOST_IN_32_BITS else torch.int64
        found.append((where.flatten().to(kind), each / chosen.shape[1]))
    return _Places(extent, found)


Choices = list[tuple[Tensor, Tensor]]


def _chosen(places: int, budget: int, numbers: int | Tensor, samples: int) -> Choices:
    if isinstance(numbers, int):
        return _chosen_from(places, budget, numbers, samples)
    return chosen_of(places, budget, numbers)


def _chosen_from(places: int, budget: int, first: int, samples: int) -> Choices:
    """As :func:`chosen_of`, of samples that follow each other: mostly they are halved alike."""
    found, start = [], first
    while start < first + samples:
        halved = 0
        while places >> halved > max(1, budget // (start + 1)):
            halved += 1
        many = places >> halved
        stop = first + samples if many == 1 else min(first + samples, budget // many)
        rows = torch.arange(start - first, stop - first)
        steps = torch.arange(0, many << halved, 1 << halved)
        if halved:
            starts = _hashes(first, samples)[start - first : stop - first] % places
            found.append((rows, (starts.unsqueeze(1) + steps) % places))
        else:
            found.append((rows, steps.expand(len(rows), -1)))
        start = stop
    return found


@lru_cache(maxsize=8)
def _hashes(first: int, samples: int) -> Tensor:
    """The same for all tensors of one batch."""
    return mixed(torch.arange(first, first + samples))


def chosen_of(places: int, budget: int, numbers: Tensor) -> Choices:
    """Which of the listed places are picked: samples ``(s,)`` with the indices ``(s, picks)``.

    They are 2, 4, 8 ... apart, from a place on that the number of the sample scatters.
    """
    limits = (budget // (numbers + 1)).clamp_(min=1).unsqueeze(1)
    halvings = (places >> torch.arange(places.bit_length()) > limits).sum(1)
    starts = torch.where(halvings > 0, mixed(numbers) % places, 0)
    found = []
    for halved in sorted(set(halvings.tolist())):
        samples = (halvings == halved).nonzero().squeeze(1)
        steps = torch.arange(places >> halved) << halved
        found.append((samples, (starts[samples].unsqueeze(1) + steps) % places))
    return found


@lru_cache(maxsize=256)
def offsets(shape: tuple[int, ...], strides: tuple[int, ...], limit: int) -> Tensor:
    """Where the places that may be picked of one sample lie, relative to its first value."""
    total = math.prod(shape)
    places = torch.arange(0, total, even_stride(total, limit))
    coordinates = unravelled(places, shape)
    return sum(
        (axis * step for axis, step in zip(coordinates, strides, strict=True)),
        start=torch.zeros_like(places),
    )


def unravelled(places: Tensor, shape: tuple[int, ...]) -> list[Tensor]:
    """Coordinates of places in a shape; torch's own function loads sympy for it."""
    found = []
    for size in reversed(shape):
        found.append(places % size)
        places = places // size
    return found[::-1]


@lru_cache(maxsize=64)
def spread(positions: int, most: int = 8) -> Tensor:
    """Up to ``most`` positions, evenly spread."""
    many = min(positions, most)
    return (2 * torch.arange(many) + 1) * positions // (2 * many)


def even_stride(total: int, limit: int) -> int:
    """The smallest odd stride that picks at most ``limit`` of ``total`` and shares no factor.

    An even or common factor would meet the same channels or columns again and again.
    """
    stride = -(-total // limit) | 1
    while math.gcd(stride, total) > 1:
        stride += 2
    return stride
