"""Which samples are looked at where a look costs much: all early ones, then ever fewer.

A sample is chosen by its number in the whole data, so that batches and shards don't matter, and in
blocks of neighbours, because much of a look's cost is the same for one sample or many. After the
first E samples a block of B is looked at each time that E + F · ln(n / E) has grown by B: sample n
at a rate of F / n, standing for n / F. So of N samples E + F · ln(N / E) are looked at; weighted by
what they stand for, their mean is that of all, in whatever order the data is.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple


class Looks(NamedTuple):
    """How much is looked at.

    Attributes:
        every: so many samples at first, a multiple of the block.
        budget: of later ones so many by their number.
        block: so many neighbours at once.
    """

    every: int
    budget: int
    block: int


class Stretch(NamedTuple):
    """Neighbouring samples of a batch, ``start`` to ``stop``, and how many each stands for.

    The weight is 0 where they are not looked at.
    """

    start: int
    stop: int
    weight: float


@lru_cache(maxsize=64)
def stretches(first: int, samples: int, looks: Looks) -> tuple[Stretch, ...]:
    """A batch cut into stretches that are looked at and others, in order.

    Args:
        first: number of its first sample in the whole data.
        samples: how many there are.
        looks: how much is looked at.
    """
    found: list[Stretch] = []
    for block in range(first // looks.block, -(-(first + samples) // looks.block)):
        start = max(0, block * looks.block - first)
        stop = min(samples, (block + 1) * looks.block - first)
        weight = _weight(block, looks)
        if found and found[-1].weight == weight:
            start = found.pop().start
        found.append(Stretch(start, stop, weight))
    return tuple(found)


def _weight(block: int, looks: Looks) -> float:
    """What a sample of a block stands for; 0 where it is passed over."""
    every, budget = looks.every // looks.block, looks.budget / looks.block
    if block < every:
        return 1.0
    before, after = (budget * math.log(number / every) for number in (block, block + 1))
    return 1 / (after - before) if math.floor(after) > math.floor(before) else 0.0
