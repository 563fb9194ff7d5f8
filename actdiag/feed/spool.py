"""Tables larger than memory: read in pieces into a temporary file, which is mapped."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from actdiag.errors import DataError
from actdiag.feed.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

# Our choice: a table of text takes about as much memory as its file and several times that while
# it is read, so one larger than this part of memory is spooled.
_PART_OF_MEMORY = 8
ROWS = 65_536  # rows read at a time; our choice: a few tens of megabytes of usual tables


def is_large(path: Path) -> bool:
    """Whether a table would better not be read whole."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return path.stat().st_size > memory // _PART_OF_MEMORY


@dataclass(frozen=True)
class LargeTable:
    """A table that is read in pieces.

    Attributes:
        path: of the file.
        columns: names of its columns.
        frames: gives the pieces in order, from the start at each call.
    """

    path: Path
    columns: tuple[str, ...]
    frames: Callable[[], Iterator[pd.DataFrame]] = field(repr=False)


@dataclass(frozen=True)
class Spooled:
    """A matrix ``(rows, features)`` of numbers in a file that goes away with this object."""

    numbers: np.ndarray[Any, np.dtype[np.float64]]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and features."""
        rows, features = self.numbers.shape
        return int(rows), int(features)

    def __getitem__(self, index: Any) -> np.ndarray[Any, Any]:
        """Rows of a slice or of an integer array."""
        rows: np.ndarray[Any, Any] = self.numbers[index].astype(self.dtype)
        return rows


class Spool:
    """Takes the pieces of a matrix one after the other, and then is one."""

    def __init__(self, table: LargeTable) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="actdiag-")  # noqa: SIM115 - closed on exit
        self._table = table
        self._rows, self._features = 0, 0
        self._whole = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # what was mapped of it stays

    def add(self, piece: np.ndarray[Any, Any]) -> None:
        """Append rows.

        Raises:
            DataError: the disk is full, or the rows have another width.
        """
        if self._rows and piece.shape[1] != self._features:
            raise DataError(f"the rows of {printable(self._table.path)} have different lengths")
        self._whole = self._whole and piece.dtype.kind in "iub"
        self._rows, self._features = self._rows + len(piece), piece.shape[1]
        try:
            self._file.write(np.ascontiguousarray(piece, dtype=np.float64).tobytes())
        except OSError as error:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            raise DataError(
                f"{printable(self._table.path)} is larger than memory and the folder for temporary "
                f"files is full ({free:,} bytes left): {error.strerror}",
                hint="Set TMPDIR to a folder with room, or save the table as .npy (np.save).",
            ) from error

    def matrix(self) -> Spooled:
        """All rows, mapped."""
        self._file.flush()
        shape = self._rows, self._features
        numbers = np.memmap(self._file, dtype=np.float64, mode="r", shape=shape)
        return Spooled(numbers, np.dtype(np.int64 if self._whole else np.float64))
