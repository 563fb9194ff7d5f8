"""The feed: batches for the model, as often as they are needed, and the facts about them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.errors import DataError
from actdiag.feed.parts import sizes, window
from actdiag.feed.placing import Placement
from actdiag.feed.resized import resized
from actdiag.records import DataInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.feed.batch import Batch
    from actdiag.feed.fit import Source
    from actdiag.feed.parts import Part
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
        first: number of the first sample in the whole data, where this is a part of it.
        whole: samples and batches of the whole data, where this is a part of it; else null.
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
        self.first = 0
        self.whole: tuple[int, int] | None = None
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

    def in_batches_of(self, size: int, note: str = "") -> Feed:
        """The same data, at most so many samples at a time; itself where the batches are not ours.

        ``note`` tells the report why.
        """
        batches = resized(self._batches, size)
        if batches is None:
            return self
        feed = copy.copy(self)
        feed._batches, feed._notes = batches, (*self._notes, *filter(None, [note]))  # noqa: SLF001
        feed.batch_size = min(size, self.batch_size)
        return feed

    def part(self, part: Part) -> Feed:
        """A part of the same data, which may hold no batch at all."""
        feed = copy.copy(self)
        feed._narrow(part)  # noqa: SLF001 - it is one of these
        return feed

    def _narrow(self, part: Part) -> None:
        every = sizes(self._batches)
        own = window(self._batches, part, every)
        self._batches, self.samples, self.first = own, own.samples, own.first
        self.whole = sum(every), len(every)

    @property
    def nonfinite(self) -> int:
        """How many values of the inputs were NaN or infinite in the latest iteration."""
        return self._nonfinite

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was done to the data, and what is odd about all of it."""
        return (*self._notes, *filter(None, [self.placement.note]))

    @property
    def notes(self) -> tuple[str, ...]:
        """The same, with what is odd about the data as far as it has been read."""
        return (*self.remarks, *nonfinite_note(self._nonfinite))

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


def nonfinite_note(many: int) -> tuple[str, ...]:
    """What the report says of so many values that are NaN or infinite."""
    if not many:
        return ()
    plural = "values of the inputs are" if many > 1 else "value of the inputs is"
    return (f"{many} {plural} NaN or infinite",)


def _nonfinite(value: Any) -> int:
    """How many NaN and infinities; counted only where the sum shows that there are any."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.sum().isfinite():
        return 0
    return int((~value.isfinite()).sum())
