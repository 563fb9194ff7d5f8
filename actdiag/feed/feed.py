"""The feed: batches for the model, as often as they are needed, and the facts about them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.errors import DataError
from actdiag.feed.placing import Placement
from actdiag.records import DataInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.feed.batch import Batch
    from actdiag.feed.fit import Source
    from actdiag.feed.scaling import Scale


class Feed:
    """Batches of data with optional labels. Iterating again starts again, with the same batches.

    Args:
        first: the first batch if it has been read already, so that it isn't read once more.

    Attributes:
        source: what is fed, printable.
        synthetic: whether the data was made up.
        samples: how many samples will be fed; None when that isn't known beforehand.
        sample_shape: shape of one sample of the first input, without the sample axis.
        has_labels: whether the first batch has labels.
        batch_size: samples of the first batch.
        advice: what may be wrong with the input, worth telling if the model's forward fails.
        placement: device and type of the batches that are handed out.
        scale: offsets and divisors of the features, where ``--transform`` took them from the data.
    """

    def __init__(
        self,
        batches: Source,
        *,
        source: str,
        first: Batch | None = None,
        synthetic: bool = False,
        notes: tuple[str, ...] = (),
        advice: tuple[str, ...] = (),
        scale: Scale | None = None,
    ) -> None:
        self._batches, self._notes = batches, notes
        self.source, self.synthetic, self.advice = source, synthetic, advice
        self.scale = scale
        self.placement = Placement()
        self.samples = batches.samples
        first = first or first_batch(batches, source)
        self.has_labels = first.labels is not None
        self.batch_size = first.samples
        shape = next((v.shape for v in first.named().values() if isinstance(v, Tensor)), None)
        self.sample_shape = None if shape is None else tuple(shape[1:])
        self._fed = self._count = self._labelled = self._nonfinite = 0

    def __iter__(self) -> Iterator[Batch]:
        self._fed = self._count = self._labelled = self._nonfinite = 0
        for batch in self._batches:
            self._fed += batch.samples
            self._count += 1
            self._labelled += batch.samples if batch.labels is not None else 0
            placed = self.placement.batch(batch)
            self._nonfinite += sum(map(_nonfinite, placed.named().values()))
            yield placed

    def placed(self, placement: Placement) -> Feed:
        """The same data on another device, in another type."""
        feed = copy.copy(self)
        feed.placement = placement
        return feed

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the data and what is odd about it, as far as it has been read."""
        notes = (*self._notes, *filter(None, [self.placement.note]))
        if not self._nonfinite:
            return notes
        plural = "values of the inputs are" if self._nonfinite > 1 else "value of the inputs is"
        return (*notes, f"{self._nonfinite} {plural} NaN or infinite")

    @property
    def info(self) -> DataInfo:
        """The facts for the report; counts are of the latest iteration."""
        return DataInfo(
            source=self.source,
            synthetic=self.synthetic,
            samples=self._fed,
            batches=self._count,
            labels=self._labelled,
            sample_shape=self.sample_shape,
            notes=self.notes,
        )


def first_batch(batches: Source, what: str) -> Batch:
    """The first batch that has samples.

    Raises:
        DataError: there is none.
    """
    for batch in batches:
        if batch.samples:
            return batch
    raise DataError(f"{what} gave no samples", hint="Give at least one sample.")


def _nonfinite(value: Any) -> int:
    """How many NaN and infinities; counted only where the sum shows that there are any."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.sum().isfinite():
        return 0
    return int((~value.isfinite()).sum())
