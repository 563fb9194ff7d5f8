"""Data that comes batch by batch from the user's own code: loaders, iterables, callables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from actdiag.errors import ActdiagError, DataError
from actdiag.feed.batch import Batch, count_samples
from actdiag.feed.isolation import Isolation
from actdiag.feed.labels import is_one_hot, prepare_labels
from actdiag.feed.names import printable
from actdiag.feed.roles import Forward, divide
from actdiag.feed.tensors import as_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
_END = object()


@dataclass(frozen=True)
class Stream:
    """Batches from ``start()``, which gives a fresh iterator over items each time.

    Attributes:
        forward: the model's arguments, which tell inputs from labels.
        key: name of the labels in items that are mappings.
        seed: where the random numbers of the user's code start, at each iteration.
        most: largest batch; longer ones are split.
        keep: ascending positions of the samples to feed, or None for all.
        head: feed no more than this many samples, from the beginning.
        known: number of samples that will be fed, if that is known beforehand.
        ours: whether the batches are as large as we chose, not the user.
    """

    start: Callable[[], Iterator[Any]]
    forward: Forward | None = None
    key: str | None = None
    seed: int = 0
    most: int | None = None
    keep: Tensor | None = None
    head: int | None = None
    known: int | None = None
    ours: bool = False

    @property
    def samples(self) -> int | None:
        """Number of samples that will be fed; None when that isn't known beforehand."""
        return self.known

    def __iter__(self) -> Iterator[Batch]:
        reader = _Reader(self.forward, self.key)
        position = 0
        for number, item in enumerate(self._items()):
            batch = reader.batch(item, number)
            begin, position = position, position + batch.samples
            chosen = self._choose(batch, begin, position)
            if chosen.samples:
                yield from chosen.split(self.most) if self.most else (chosen,)
            if self.head is not None and position >= self.head:
                return

    def _items(self) -> Iterator[Any]:
        isolation = Isolation(self.seed)
        with isolation.inside(), _explained("the data could not be started"):
            items = iter(self.start())
        number = 0
        while True:
            with isolation.inside(), _explained(f"reading batch {number} of the data failed"):
                item = next(items, _END)
            if item is _END:
                return
            yield item
            number += 1

    def _choose(self, batch: Batch, begin: int, end: int) -> Batch:
        if self.keep is not None:
            low, high = torch.searchsorted(self.keep, torch.tensor([begin, end])).tolist()
            wanted = self.keep[low:high] - begin
            return batch if len(wanted) == batch.samples else batch.rows(wanted)
        if self.head is not None and end > self.head:
            return batch.rows(torch.arange(self.head - begin))
        return batch


class _Reader:
    """Turns items into batches; decides at the first batch how labels are read."""

    def __init__(self, forward: Forward | None, key: str | None) -> None:
        self._forward, self._key = forward, key
        self._one_hot: bool | None = None

    def batch(self, item: Any, number: int) -> Batch:
        """The batch that ``item`` stands for."""
        if isinstance(item, Batch):
            return item
        parts = divide(item, self._forward, self._key)
        labels = self._labels(parts.labels, number)
        inputs = tuple(as_inputs(value) for value in parts.inputs)
        kwargs = {name: as_inputs(value) for name, value in parts.kwargs.items()}
        return Batch(inputs, kwargs, labels, count_samples((*inputs, *kwargs.values()), labels))

    def _labels(self, raw: Any, number: int) -> Tensor | None:
        if raw is None or isinstance(raw, dict):
            return None
        array = raw if isinstance(raw, Tensor) else np.asarray(raw)
        if isinstance(array, np.ndarray) and array.dtype.kind not in "biuf":
            raise DataError(
                f"the labels of batch {number} are {printable(array.dtype)}, not numbers",
                hint="Have the data yield class indices: names can't be numbered batch by batch.",
            )
        labels, _ = prepare_labels(array)
        one_hot = labels.ndim == 1 and is_one_hot(torch.as_tensor(array))
        if self._one_hot is None:
            self._one_hot = one_hot
        if one_hot != self._one_hot:
            raise DataError(
                f"the labels of batch {number} are {'' if one_hot else 'not '}"
                "one-hot, unlike the first",
                hint="Have the data yield class indices.",
            )
        return labels


def read(what: str, function: Callable[[], T]) -> T:
    """What the user's ``function`` returns; its exceptions become a DataError naming ``what``."""
    with _explained(f"{what} failed"):
        return function()


class _explained:  # noqa: N801 - a context manager, read as a word
    """Turn an exception of the user's code into a DataError that says where it was."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, ActdiagError):
            raise DataError(
                f"{self._what}: {type(error).__name__}: {printable(error)}",
                hint="The error comes from the data's own code; --debug shows where.",
            ) from error
