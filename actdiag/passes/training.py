"""``--train-data``: how good the model is on it, and on what of the data it does not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.capture.exported import batch_size_of
from actdiag.measure import answers
from actdiag.passes.duplicates import Known
from actdiag.records import TrainingData
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import nn

    from actdiag.feed import Feed
    from actdiag.records import Scan


def with_training_data(scan: Scan, module: nn.Module, feed: Feed, train: Feed) -> Scan:
    """The Scan with the record of the training data.

    Both are read once; the data a second time where the training data holds some of it. Where the
    model raises on the training data, the scan's notes say so.
    """
    known = Known()
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
            r2=found.r2,
            nll=found.nll,
            mean_confidence=found.mean_confidence,
        )
    if not scan.data.synthetic:
        record = _on_the_others(module, feed, known, known.looked_up(feed, record))
    return replace(scan, training_data=record)


def _on_the_others(
    module: nn.Module, feed: Feed, known: Known, record: TrainingData
) -> TrainingData:
    """The record with the accuracy on the samples that the training data does not hold."""
    if not known.doubles or not feed.has_labels or batch_size_of(module) is not None:
        return record
    found = answers(module, known.without_doubles(feed))
    if found is None or found.accuracy is None:
        return record
    return replace(record, unseen=found.predictions, unseen_accuracy=found.accuracy)
