"""Which part of the data this process measures, and how its scan becomes a piece of the whole."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from actdiag.capture.containers import tensors_in
from actdiag.errors import UsageError
from actdiag.feed.parts import Part
from actdiag.measure import PartOf, measure
from actdiag.shards.piece import Piece, scattered
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import nn

    from actdiag.feed import Batch, Feed
    from actdiag.measure import Measurement
    from actdiag.records import Scan

_SHARD = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


def shard_of(text: str | None) -> Part | None:
    """The part that ``--shard 2/3`` asks for.

    Raises:
        UsageError: it is no such fraction.
    """
    if text is None:
        return None
    found = _SHARD.fullmatch(text.strip())
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise UsageError(
            f"--shard {printable(text)} is no part of the data",
            hint="Give number/parts, from 1/3 to 3/3 for three jobs.",
        )
    return Part(number - 1, of)


def digest_of(batch: Batch) -> str:
    """The same for the same inputs, value by value."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tensors_in((batch.inputs, batch.kwargs)):
        numbers = tensor.detach().cpu().resolve_conj().resolve_neg()
        numbers = numbers.to_dense() if numbers.is_sparse else numbers
        digest.update(numbers.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Share:
    """A part of a feed, or all of it where ``part`` is null."""

    whole: Feed
    part: Part | None

    @cached_property
    def feed(self) -> Feed:
        """The batches of this part."""
        return self.whole if self.part is None else self.whole.part(self.part)

    @property
    def leads(self) -> bool:
        """Whether this part also measures what needs a bounded sample of the whole data."""
        return self.part is None or self.part.number == 0

    @cached_property
    def _begin(self) -> Batch:
        """The first batch of the whole data."""
        return next(iter(self.whole))

    def place(self, module: nn.Module, mask: str | None) -> PartOf:
        """Where this part lies; a later one reads the output's kind off the first batch."""
        drawn = scattered(self.part, self.feed.source, self.feed.first)
        if self.leads:
            return PartOf(self.feed.first, drawn)
        found = measure(module, [self._begin], mask=mask).output
        kind = None if found is None else (found.kind, found.assumed)
        return PartOf(self.feed.first, drawn, kind)

    def piece(self, scan: Scan, found: Measurement, notes: tuple[str, ...]) -> Piece:
        """What merges with the other parts; ``notes`` are those on the model."""
        feed = self.feed
        state: dict[str, Any] = {
            **found.state,
            "model_notes": list(notes),
            "notes": list(feed.remarks),
            "nonfinite": feed.nonfinite,
            "begins": None if self.part is None else digest_of(self._begin),
        }
        part = None if self.part is None else (self.part.number + 1, self.part.of)
        samples = None if feed.whole is None else feed.whole[0]
        name = "this scan" if part is None else f"part {part[0]} of {part[1]}"
        return Piece(name, scan, state, part, feed.first, samples, found.bounded)

    def told(self, scan: Scan) -> Scan:
        """The scan of a part, which says that it is one."""
        feed = self.feed
        if self.part is None or feed.whole is None:
            return scan
        number, of = self.part.number + 1, self.part.of
        held = f"samples {feed.first + 1:,} to {feed.first + (feed.samples or 0):,}"
        note = f"part {number} of {of}: {held if feed.samples else 'none'} of {feed.whole[0]:,}"
        if not self.leads:
            note += "; gradients, train mode and training data are measured with part 1"
        return replace(scan, data=replace(scan.data, notes=(*scan.data.notes, note)))
