"""CSV and Parquet files as pandas frames, or in pieces where they are large."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from actdiag.errors import DataError
from actdiag.feed.names import printable
from actdiag.feed.spool import ROWS, LargeTable, is_large

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

_SEPARATORS = ",;\t|"


def read_csv(path: Path) -> pd.DataFrame | LargeTable:
    """The table in a text file with separated values; a first row of numbers is no header.

    One that is large for the memory there is comes in pieces.
    """
    import pandas as pd

    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = next((line for line in file if line.strip()), "").rstrip("\r\n")
    separator = max(_SEPARATORS, key=first.count)
    if separator not in first and len(first.split()) > 1:
        separator = r"\s+"
    cells = first.split() if separator == r"\s+" else first.split(separator)
    header: Literal["infer"] | None = None if _is_data(cells) else "infer"
    options: dict[str, Any] = {"sep": separator, "header": header, "encoding": "utf-8-sig"}
    if is_large(path):
        names = _named(pd.read_csv(path, nrows=0 if header else 1, **options)).columns
        return LargeTable(path, tuple(names), lambda: _pieces(path, options))
    with _readable(path):
        return _named(pd.read_csv(path, low_memory=False, **options))


def _pieces(path: Path, options: dict[str, Any]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with _readable(path), pd.read_csv(path, chunksize=ROWS, **options) as reader:
        yield from map(_named, reader)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    named: pd.DataFrame = frame.rename(columns=lambda name: str(name).strip())
    return named


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pandas as pd

    try:
        yield
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(
            f"{printable(path)} is not a table: {printable(error)}",
            hint="Each line needs the same number of values, separated by commas.",
        ) from error


def read_parquet(path: Path) -> pd.DataFrame | LargeTable:
    """The table in a Parquet file; needs the extra ``parquet``. A large one comes in pieces."""
    import pandas as pd

    try:
        if is_large(path):
            return _large_parquet(path)
        return pd.read_parquet(path)
    except ImportError as error:
        raise DataError(
            f"reading {printable(path)} needs pyarrow, which is not installed",
            hint="Install it with: pip install 'torch-actdiag[parquet]'",
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"{printable(path)} is not a readable Parquet file: {printable(error)}",
            hint="It may be cut short; copy or write it again.",
        ) from error


def _large_parquet(path: Path) -> LargeTable:
    from pyarrow import parquet

    def frames() -> Iterator[pd.DataFrame]:
        with parquet.ParquetFile(path) as file:
            for piece in file.iter_batches(batch_size=ROWS):
                yield piece.to_pandas()

    return LargeTable(path, tuple(parquet.read_schema(path).names), frames)


def _is_data(cells: list[str]) -> bool:
    """Numbers are data, but 0, 1, 2, ... are the column names that pandas gives to a matrix."""
    counted = len(cells) > 2 and cells == [str(place) for place in range(len(cells))]  # noqa: PLR2004 - 0, 1 may be data
    return not counted and all(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().strip('"'))
    except ValueError:
        return False
    return True
