"""A part of the batches of a feed, for a process that runs that part alone.

Parts are runs of whole batches: a forward pass sees the same batches however many parts there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import torch

from actdiag.feed.aligned import Aligned
from actdiag.feed.fit import Fitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.feed.batch import Batch
    from actdiag.feed.fit import Source


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the data: ``number`` from 0 on, of ``of``."""

    number: int
    of: int

    def span(self, batches: int) -> tuple[int, int]:
        """The first of its batches, and the first that is no longer one of them.

        Earlier parts are the larger ones, and part 0 is empty only where all are.
        """
        start, stop = (-(-batches * number // self.of) for number in (self.number, self.number + 1))
        return start, stop


def sizes(source: Source) -> list[int]:
    """Samples of every batch. What cannot tell beforehand is read once for it."""
    if isinstance(source, Fitted):
        return sizes(source.source)
    if isinstance(source, Aligned):
        whole, rest = divmod(source.samples, source.batch_size)
        return [source.batch_size] * whole + [rest] * bool(rest)
    return [batch.samples for batch in source]


@dataclass(frozen=True)
class Window:
    """The batches ``start`` to ``stop`` of a source.

    Attributes:
        first: number of its first sample in the whole data.
        known: samples of its batches.
    """

    source: Source
    start: int
    stop: int
    first: int
    known: tuple[int, ...]

    @property
    def samples(self) -> int:
        """Number of samples in these batches."""
        return sum(self.known)

    def __iter__(self) -> Iterator[Batch]:
        return _between(self.source, self.start, self.stop)


def window(source: Source, part: Part, every: list[int]) -> Window:
    """The batches of a part, where ``every`` holds the samples of each batch of the source."""
    start, stop = part.span(len(every))
    return Window(source, start, stop, sum(every[:start]), tuple(every[start:stop]))


def _between(source: Source, start: int, stop: int) -> Iterator[Batch]:
    """Batches of arrays are looked up; others are passed by, since random numbers may be drawn."""
    if isinstance(source, Fitted):
        return map(source.prepare, _between(source.source, start, stop))
    if isinstance(source, Aligned):
        rows = torch.arange(source.samples) if source.index is None else source.index
        size = source.batch_size
        return iter(replace(source, index=rows[start * size : stop * size]))
    return islice(iter(source), start, stop)
