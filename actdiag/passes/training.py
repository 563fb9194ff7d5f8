"""``--train-data``: how good the model is on it, and which samples of the scan stand in it too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from actdiag.capture.containers import tensors_in
from actdiag.measure import answers
from actdiag.records import TrainingData
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import nn

    from actdiag.feed import Batch, Feed
    from actdiag.records import Scan


def with_training_data(scan: Scan, module: nn.Module, feed: Feed, train: Feed) -> Scan:
    """The Scan with the record of the training data; each of both is read once.

    Where the model raises on the training data, the scan's notes say so.
    """
    known = _Known()
    try:
        found = answers(module, known.noting(train))
    except Exception as error:  # noqa: BLE001 - whatever a model may raise
        said = printable(f"{type(error).__name__}: {error}")
        data = replace(
            scan.data, notes=(*scan.data.notes, f"the training data can't be run: {said}")
        )
        return replace(scan, data=data)
    record = TrainingData(samples=known.samples)
    if found is not None:
        record = replace(
            record,
            accuracy=found.accuracy,
            nll=found.nll,
            mean_confidence=found.mean_confidence,
        )
    return replace(
        scan, training_data=record if scan.data.synthetic else known.looked_up(feed, record)
    )


@dataclass
class _Known:
    """The samples of the training data by a digest of their values, each with its label."""

    samples: int = 0
    labels: dict[bytes, float | None] = field(default_factory=dict)

    def noting(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, as they are; their samples are remembered on the way."""
        for batch in batches:
            self.samples += batch.samples
            self.labels.update(digests(batch))
            yield batch

    def looked_up(self, batches: Iterable[Batch], record: TrainingData) -> TrainingData:
        """The record with how many samples of ``batches`` stand in the training data."""
        seen: set[bytes] = set()
        judged = shared = conflicts = 0
        for batch in batches:
            for digest, label in digests(batch):
                judged += 1
                seen.add(digest)
                if digest in self.labels:
                    shared += 1
                    there = self.labels[digest]
                    conflicts += None not in (label, there) and label != there
        return replace(
            record,
            judged=judged,
            shared=shared,
            label_conflicts=conflicts,
            repeated=judged - len(seen),
        )


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
