"""JSON and JSON Lines: a list of records, a record of lists, or a list of rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from actdiag.errors import DataError
from actdiag.feed.names import listed, printable

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> Any:
    """Arrays by name, a table of plain records, or one array.

    Raises:
        DataError: not JSON, or rows that don't form arrays.
    """
    what = printable(path)
    data = _parsed(path, what)
    if isinstance(data, dict):
        return {name: _array(values, f"{name} in {what}") for name, values in data.items()}
    if not isinstance(data, list) or not data:
        raise DataError(f"{what} holds no rows", hint="Give a list with one record per sample.")
    if all(isinstance(row, dict) for row in data):
        return _from_records(data, what)
    return _array(data, what)


def _parsed(path: Path, what: str) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            lines = [line for line in text.splitlines() if line.strip()]
            if error.msg != "Extra data" or len(lines) < 2:  # noqa: PLR2004 - JSON Lines has several
                raise
            return [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{what} is not valid JSON: {printable(error)}",
            hint="It may be cut short; JSON Lines needs one complete value per line.",
        ) from error


def _from_records(rows: list[dict[str, Any]], what: str) -> Any:
    """A frame when all values are plain, otherwise arrays by name."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    nested = any(isinstance(value, list | dict) for value in rows[0].values())
    if not nested:
        import pandas as pd

        return pd.DataFrame(rows, columns=names)
    short = [name for name in names if any(name not in row for row in rows)]
    if short:
        raise DataError(
            f"some records in {what} lack {listed(short)}", hint="Give every record the same keys."
        )
    return {name: _array([row[name] for row in rows], f"{name} in {what}") for name in names}


def _array(values: Any, what: str) -> Any:
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"the rows of {printable(what)} have different lengths", hint="Pad them first."
        ) from error
    if array.dtype.kind == "O":
        raise DataError(
            f"{printable(what)} holds more than numbers", hint="Give numbers only, and no nulls."
        )
    return array
