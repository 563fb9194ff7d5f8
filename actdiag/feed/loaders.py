"""Streams over DataLoaders, Datasets, lists of batches and other iterables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
)

from actdiag.feed.batch import Batch
from actdiag.feed.isolation import isolated
from actdiag.feed.roles import Forward, divide
from actdiag.feed.select import default_batch_size, sample_of
from actdiag.feed.streams import Stream, read

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.feed.tensors import Array

Streamed = tuple[Stream, tuple[str, ...]]


@dataclass(frozen=True)
class Wish:
    """How the user wants the data: the options of :func:`actdiag.feed.open_data`.

    Attributes:
        key: name of the labels among the data's own columns or keys.
        labels: labels that lie outside the data.
    """

    forward: Forward | None = None
    key: str | None = None
    labels: Array | None = None
    batch_size: int | None = None
    max_samples: int | None = None
    seed: int = 0

    def stream(self, start: Callable[[], Iterator[Any]], **settings: Any) -> Stream:
        """A stream with these wishes."""
        most = settings.pop("most", self.batch_size)
        return Stream(start, self.forward, self.key, self.seed, most, **settings)

    def headed(self, start: Callable[[], Iterator[Any]]) -> Streamed:
        """A stream of unknown length: of it only the head can be taken."""
        if self.max_samples is None:
            return self.stream(start), ()
        sample_of(0, self.max_samples, self.seed)
        note = f"at most the first {self.max_samples} samples were fed: the length isn't known"
        return self.stream(start, head=self.max_samples), (note,)


def of_loader(loader: DataLoader[Any], wish: Wish) -> Streamed:
    """The loader's batches in its own order; with ``max_samples`` a random part of its data set."""
    data = loader.dataset
    total = _length(loader)
    if total is None:
        return wish.headed(lambda: iter(loader))
    chosen = sample_of(total, wish.max_samples, wish.seed)
    if chosen is None:
        return wish.stream(lambda: iter(loader), known=total), ()
    if type(loader.sampler) not in {SequentialSampler, RandomSampler} or total != _size(data):
        # The sampler chooses among the samples, so the choice has to be made after it.
        stream = wish.stream(lambda: iter(loader), keep=chosen, known=len(chosen))
        return stream, (_note(chosen, total),)
    part = DataLoader(
        Subset(data, chosen.tolist()),
        batch_size=loader.batch_size,
        collate_fn=loader.collate_fn,
        num_workers=loader.num_workers,
    )
    return wish.stream(lambda: iter(part), known=len(chosen)), (_note(chosen, total),)


def _length(loader: DataLoader[Any]) -> int | None:
    """How many samples the loader gives; None if that can't be known without reading them."""
    if isinstance(loader.dataset, IterableDataset) or loader.batch_size is None:
        return None
    total = _size(loader.sampler)
    if total is None or not loader.drop_last:
        return total
    return total - total % loader.batch_size


def _size(sized: Any) -> int | None:
    try:
        return len(sized)
    except (TypeError, NotImplementedError):
        return None


def of_dataset(data: Any, wish: Wish) -> Streamed:
    """A map-style data set: its samples in order, or a random part of them."""
    total = len(data)
    chosen = sample_of(total, wish.max_samples, wish.seed)
    if total == 0:
        return wish.stream(lambda: iter(())), ()
    sample = isolated(wish.seed, lambda: read("reading sample 0 of the data", lambda: data[0]))
    size = wish.batch_size or default_batch_size(_shape(sample, wish.forward))
    used = data if chosen is None else Subset(data, chosen.tolist())
    loader: DataLoader[Any] = DataLoader(used, batch_size=size)
    notes = () if chosen is None else (_note(chosen, total),)
    known = total if chosen is None else len(chosen)
    return wish.stream(lambda: iter(loader), known=known, ours=wish.batch_size is None), notes


def of_iterable_dataset(data: IterableDataset[Any], wish: Wish) -> Streamed:
    """An iterable data set, batched."""

    def first() -> Any:
        return read("reading the data", lambda: next(iter(data), ()))

    size = wish.batch_size or default_batch_size(_shape(isolated(wish.seed, first), wish.forward))
    loader: DataLoader[Any] = DataLoader(data, batch_size=size)
    stream, notes = wish.headed(lambda: iter(loader))
    return replace(stream, ours=wish.batch_size is None), notes


def of_list(data: list[Any], wish: Wish) -> Streamed:
    """A list of batches; a random part of its samples with ``max_samples``."""
    total = sum(batch.samples for batch in Stream(lambda: iter(data), wish.forward, wish.key))
    chosen = sample_of(total, wish.max_samples, wish.seed)
    known = total if chosen is None else len(chosen)
    notes = () if chosen is None else (_note(chosen, total),)
    return wish.stream(lambda: iter(data), keep=chosen, known=known), notes


def of_iterable(data: Iterable[Any], wish: Wish) -> Streamed:
    """Any iterable over batches. One that can be read only once is kept in memory as it is read."""
    if not isinstance(data, Iterator):
        return wish.headed(lambda: iter(data))
    kept = _Kept(data)
    stream, notes = wish.headed(lambda: iter(kept))
    return stream, ("the iterator can be read once only, so its batches are kept in memory", *notes)


def of_generator(start: Callable[[], Iterator[Any]], wish: Wish) -> Streamed:
    """A function that returns a fresh iterator over batches at each call."""
    return wish.headed(start)


class _Kept:
    """Makes an iterator iterable again by keeping what has been read."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items, self._seen = items, list[Any]()

    def __iter__(self) -> Iterator[Any]:
        place = 0
        while True:
            if place == len(self._seen):
                try:
                    self._seen.append(next(self._items))
                except StopIteration:
                    return
            yield self._seen[place]
            place += 1


def _note(chosen: Tensor, total: int) -> str:
    return f"a random sample of {len(chosen)} of {total} samples was fed"


def _shape(sample: Any, forward: Forward | None) -> tuple[int, ...]:
    if isinstance(sample, Batch) or not sample_has_parts(sample):
        return ()
    parts = divide(sample, forward)
    values = (*parts.inputs, *parts.kwargs.values())
    return next((tuple(value.shape) for value in values if hasattr(value, "shape")), ())


def sample_has_parts(sample: Any) -> bool:
    """Whether there is anything in the sample to look at."""
    return not (isinstance(sample, tuple | list | dict) and not sample)
