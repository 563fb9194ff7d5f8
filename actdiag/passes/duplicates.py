"""Which samples of the data stand in the training data too, value for value or nearly so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from actdiag.capture.containers import tensors_in
from actdiag.passes.near import Neighbourhood, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from actdiag.feed import Batch
    from actdiag.records import TrainingData

    Take = Callable[[Tensor, Tensor | None, Tensor], None]


@dataclass
class Known:
    """The samples of the training data by a digest of their values, each with its label.

    ``doubles`` holds the numbers of the samples looked up that the training data holds.
    """

    samples: int = 0
    labels: dict[bytes, float | None] = field(default_factory=dict)
    near: Neighbourhood = field(default_factory=Neighbourhood)
    doubles: set[int] = field(default_factory=set)

    def noting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, as they are; their samples are remembered on the way."""
        for batch in batches:
            found = list(digests(batch))
            fresh = [digest not in self.labels for digest, _ in found]
            self.labels.update(found)
            self._show(self.near.learn, batch, self.samples, fresh)
            self.samples += batch.samples
            yield batch

    def looked_up(self, batches: Iterable[Batch], record: TrainingData) -> TrainingData:
        """The record with how many samples of ``batches`` stand in the training data."""
        seen: set[bytes] = set()
        judged = conflicts = 0
        for batch in batches:
            fresh = []
            for number, (digest, label) in enumerate(digests(batch), judged):
                seen.add(digest)
                fresh.append(digest not in self.labels)
                if digest in self.labels:
                    self.doubles.add(number)
                    there = self.labels[digest]
                    conflicts += None not in (label, there) and label != there
            self._show(self.near.ask, batch, judged, fresh)
            judged += len(fresh)
        record = replace(
            record,
            judged=judged,
            shared=len(self.doubles),
            label_conflicts=conflicts,
            repeated=judged - len(seen),
        )
        return self._with_near(record)

    def _with_near(self, record: TrainingData) -> TrainingData:
        found = self.near.search()
        if found is None:
            return record
        self.doubles.update(found.number)
        both = zip(found.own_label, found.label, strict=True)
        return replace(
            record,
            near=len(found.number),
            near_conflicts=sum(None not in pair and pair[0] != pair[1] for pair in both),
            near_judged=found.judged,
            near_known=found.known,
            near_natural=found.natural,
        )

    @staticmethod
    def _show(take: Take, batch: Batch, first: int, fresh: list[bool]) -> None:
        """Show the neighbourhood the samples whose values are new."""
        if not any(fresh):
            return
        new = torch.tensor(fresh)
        rows = values_of(batch)
        labels = torch.full((batch.samples,), torch.nan, dtype=torch.float64)
        if batch.labels is not None and batch.labels.dim() == 1:
            labels = batch.labels.double().cpu()
        number = torch.arange(first, first + batch.samples)
        take(number[new], None if rows is None else rows[new], labels[new])

    def without_doubles(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches without the samples that the training data holds."""
        first = 0
        for batch in batches:
            kept = [row for row in range(batch.samples) if first + row not in self.doubles]
            first += batch.samples
            if kept:
                yield batch.rows(torch.tensor(kept))


def digests(batch: Batch) -> Iterator[tuple[bytes, float | None]]:
    """A digest of each sample's values and, where it has a single one, its label."""
    parts = [
        tensor.detach().double().reshape(batch.samples, -1).cpu().numpy()
        for tensor in tensors_in((batch.inputs, batch.kwargs))
        if tensor.dim() and tensor.shape[0] == batch.samples and not tensor.is_complex()
    ]
    single = batch.labels is not None and batch.labels.dim() == 1
    labels = batch.labels.tolist() if single and batch.labels is not None else None
    for row in range(batch.samples if parts else 0):
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            digest.update((part[row] + 0.0).tobytes())  # −0 is 0
        yield digest.digest(), labels[row] if labels else None
