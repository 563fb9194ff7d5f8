"""Data held as arrays whose rows are samples: in memory, mapped from a file, or read on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from actdiag.errors import DataError
from actdiag.feed.ahead import read_ahead
from actdiag.feed.batch import Batch
from actdiag.feed.names import printable
from actdiag.feed.tensors import check_numeric, is_array, to_tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class Rows(Protocol):
    """An array or anything that is indexed like one along its first axis."""

    @property
    def shape(self) -> Any:
        """Shape with the sample axis first."""

    def __getitem__(self, index: Any) -> Any:
        """Rows of a slice or of an integer array, as an array."""


@dataclass(frozen=True)
class Aligned:
    """Arrays of equal length, one row per sample.

    Iterating gives batches in ascending order of the samples; ``index`` restricts it to some. What
    lies in files is read one batch ahead.
    """

    inputs: tuple[Rows, ...]
    kwargs: dict[str, Rows] = field(default_factory=dict)
    labels: Tensor | None = None
    batch_size: int = 256
    index: Tensor | None = None

    @property
    def length(self) -> int:
        """Number of rows of the data, whatever is selected of them."""
        return int(next(iter(self.named().values())).shape[0])

    @property
    def samples(self) -> int:
        """Number of samples that will be fed."""
        return self.length if self.index is None else len(self.index)

    def named(self) -> dict[str, Rows]:
        """All inputs, positional ones named ``x`` or ``input 1``, ``input 2``, ..."""
        single = len(self.inputs) == 1
        names = ["x" if single else f"input {place}" for place in range(1, len(self.inputs) + 1)]
        return dict(zip(names, self.inputs, strict=True)) | self.kwargs

    def check(self) -> None:
        """Raise DataError unless all arrays are numeric, not empty and equally long."""
        rows = self.named()
        for name, array in rows.items():
            if len(array.shape) == 0:
                raise DataError(
                    f"{printable(name)} is a single number", hint="Give one row a sample."
                )
            if hasattr(array, "dtype"):
                check_numeric(array, printable(name))  # type: ignore[arg-type]  # has a dtype
        if self.length == 0:
            raise DataError("the data has no samples", hint="Give at least one row.")
        lengths = {printable(name): int(array.shape[0]) for name, array in rows.items()}
        if self.labels is not None:
            lengths["the labels"] = len(self.labels) if self.labels.ndim else 1
        if len(set(lengths.values())) > 1:
            counted = " and ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(
                f"the lengths differ: {counted} samples",
                hint="Each sample needs one row in every array; check which rows were dropped.",
            )

    def __iter__(self) -> Iterator[Batch]:
        starts = range(0, self.samples, self.batch_size)
        return read_ahead(self._batch, starts) if self._is_read() else map(self._batch, starts)

    def _is_read(self) -> bool:
        """Whether rows come from files when they are indexed, so that it takes time."""
        rows = self.named().values()
        return any(isinstance(array, np.memmap) or not is_array(array) for array in rows)

    def _batch(self, start: int) -> Batch:
        stop = min(start + self.batch_size, self.samples)
        place: Any = slice(start, stop)
        if self.index is not None:
            place = self.index[place].numpy()
        return Batch(
            inputs=tuple(to_tensor(array[place]) for array in self.inputs),
            kwargs={name: to_tensor(array[place]) for name, array in self.kwargs.items()},
            labels=None if self.labels is None else self.labels[place],
            samples=stop - start,
        )
