"""Tables as a matrix of numbers and a column of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actdiag.errors import DataError
from actdiag.feed.names import first_named, listed, nearest, printable
from actdiag.feed.spool import LargeTable, Spool, Spooled

if TYPE_CHECKING:
    import pandas as pd

# Shorter than for arrays: a column named "classes" or "targets" may well be a feature.
_LABEL_COLUMNS = ("label", "labels", "target", "y", "class")


_COMMAS = "Write the numbers with a decimal point: they have a comma."


@dataclass(frozen=True)
class Columns:
    """A table taken apart: ``matrix`` ``(rows, features)``, ``labels`` ``(rows,)`` or None."""

    matrix: np.ndarray[Any, Any] | Spooled
    labels: np.ndarray[Any, Any] | None
    notes: tuple[str, ...]


def is_frame(value: object) -> bool:
    """Whether ``value`` is a pandas DataFrame or Series; does not import pandas."""
    kinds = ((kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__)
    return any(kind in {("pandas", "DataFrame"), ("pandas", "Series")} for kind in kinds)


def as_array(value: Any) -> Any:
    """A frame, series or list as a numpy array; tensors and arrays as they are."""
    if is_frame(value):
        array = value.to_numpy()
        return array[:, 0] if array.ndim > 1 and array.shape[1] == 1 else array
    return value if hasattr(value, "shape") else np.asarray(value)


def sequences(frame: Any) -> dict[str, np.ndarray[Any, Any]] | None:
    """The columns as arrays by name, if any of them holds a sequence in each row, else None.

    So lie tokenised texts and vectors in Parquet files.

    Raises:
        DataError: the sequences of a column differ in length.
    """
    if frame.ndim == 1 or not len(frame):
        return None
    held = {str(name): frame[name] for name in frame.columns}
    if not any(isinstance(column.iloc[0], list | np.ndarray) for column in held.values()):
        return None
    return {name: _stacked(column, name) for name, column in held.items()}


def _stacked(column: pd.Series[Any], name: str) -> np.ndarray[Any, Any]:
    if not isinstance(column.iloc[0], list | np.ndarray):
        return np.asarray(column.to_numpy())
    try:
        return np.stack([np.asarray(row) for row in column])
    except ValueError as error:
        raise DataError(
            f"the rows of {printable(name)} have different lengths", hint="Pad them first."
        ) from error


def columns(frame: Any, key: str | None, *, separate: bool = False, first_row: int = 0) -> Columns:
    """Split ``frame`` into features and labels.

    ``key`` names the column of the labels; without it, one called label, target, y or class is
    taken and noted, unless ``separate`` says that the labels come from elsewhere. ``first_row`` is
    the number of rows before this piece of a table.

    Raises:
        DataError: no such column, columns that aren't numbers, no features or no rows.
    """
    table = frame.to_frame() if frame.ndim == 1 else frame
    named: dict[str, Any] = {str(name): name for name in table.columns}
    if len(named) < len(table.columns):
        raise DataError("several columns have the same name", hint="Give each its own name.")
    notes = []
    if key is not None and key not in named:
        raise DataError(
            f"there is no column {printable(key)!r} for the labels",
            hint=f"{nearest(key, named)}The columns are {listed(named)}.",
        )
    label = key
    if label is None and not separate and len(named) > 1:
        label = first_named(named, _LABEL_COLUMNS)
        if label is not None:
            notes.append(f"column {printable(label)!r} was taken as the labels")
    index = _saved_index(table, named, first_row)
    if index is not None:
        notes.append(f"column {printable(index)!r} counts the rows and was left out")
    features = [column for name, column in named.items() if name not in {label, index}]
    matrix = _matrix(table[features])
    missing = [str(name) for name in features if table[name].isna().any()]
    if missing:
        notes.append(f"missing values, fed as NaN, in columns {listed(missing)}")
    labels = None if label is None else _label_column(table[named[label]], label)
    return Columns(matrix, labels, tuple(notes))


def large_columns(table: LargeTable, key: str | None, *, separate: bool = False) -> Columns:
    """The same for a table that is read in pieces, into a temporary file.

    Raises:
        DataError: as for :func:`columns`, or the temporary file has no room.
    """
    labels, notes, rows = list[np.ndarray[Any, Any]](), dict[str, None](), 0
    with Spool(table) as spool:
        for frame in table.frames():
            part = columns(frame, key, separate=separate, first_row=rows)
            rows += len(frame)
            spool.add(np.asarray(part.matrix))
            notes |= dict.fromkeys(part.notes)
            if part.labels is not None:
                labels.append(part.labels)
        if not rows:
            raise DataError("the table has no rows", hint="Give at least one row below the header.")
        matrix = spool.matrix()
    said = f"{rows:,} rows were read piece by piece: the file is large for this machine's memory"
    return Columns(matrix, np.concatenate(labels) if labels else None, (*notes, said))


def _saved_index(table: pd.DataFrame, named: dict[str, Any], start: int) -> str | None:
    """The nameless first column that pandas writes for its index, if it just counts the rows."""
    first = next(iter(named), None)
    if first is None or not first.startswith("Unnamed: 0") or len(named) == 1:
        return None
    counted = np.arange(start, start + len(table))
    return first if (table[named[first]] == counted).all() else None


def _matrix(table: pd.DataFrame) -> np.ndarray[Any, Any]:
    from pandas.api import types

    if not len(table):
        raise DataError("the table has no rows", hint="Give at least one row below the header.")
    if not len(table.columns):
        raise DataError("the table has no column but the labels", hint="Give at least one feature.")
    odd = [name for name in table.columns if not types.is_numeric_dtype(table[name])]
    if odd:
        examples = (f"{name} ({table[name].dropna().iloc[:1].tolist()})" for name in odd)
        raise DataError(
            f"{len(odd)} of {len(table.columns)} columns are not numbers: {listed(examples)}",
            hint=_COMMAS
            if all(_has_decimal_commas(table[name]) for name in odd)
            else "Encode them the way the training did (one-hot, codes), drop them, or name the "
            "label column with --labels.",
        )
    whole = all(types.is_integer_dtype(kind) or types.is_bool_dtype(kind) for kind in table.dtypes)
    if whole and not table.isna().to_numpy().any():
        return table.to_numpy(dtype=np.int64)
    return table.to_numpy(dtype=np.float64, na_value=np.nan)


def _has_decimal_commas(column: pd.Series[Any]) -> bool:
    """Whether all that is written there is ``1,5`` and the like, with a comma at least once."""
    texts = column.dropna().astype(str)
    whole = bool(texts.str.fullmatch(r"-?\d+(,\d+)?([eE][-+]?\d+)?").all())
    return whole and bool(texts.str.contains(",").any())


def _label_column(column: pd.Series[Any], name: str) -> np.ndarray[Any, Any]:
    from pandas.api import types

    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"{missing} of {len(column)} labels are missing in column {printable(name)!r}",
            hint="Drop these rows or fill in their labels.",
        )
    if types.is_numeric_dtype(column):
        return np.asarray(column.to_numpy())
    return np.asarray(column.astype(str).to_numpy(dtype=object))
