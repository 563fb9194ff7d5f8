"""What a value means that stands in a file: its paths start there, and some may not stand there.

A file that is found by itself may have come with a download, so it can neither make the program
run code nor write anything; and no file says what a model file may run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError

if TYPE_CHECKING:
    from actdiag.config import Configuration

TRUST = frozenset({"allow", "trust"})
# May name Python code.
CODE = frozenset({"data", "loss", "model", "models", "train_data", "transform"})
WRITES = frozenset({"plot", "report", "save", "update_baseline"})
_PATHS = frozenset({"baseline", "data", "models", "plot", "save", "train_data"})


def anchored(key: str, value: Any, found: Configuration) -> Any:
    """The value of a setting as the command line would have it, its paths from where we run.

    Raises:
        UsageError: it may not stand in a file, or not in one that the user didn't name.
    """
    if found.file is None:
        return value
    if key in TRUST:
        message = f"{found.file}: '{key}' can't be set in a file, since it may come with a model"
        raise UsageError(message, hint=f"Give {_flag(key)} on the command line.")
    folder = found.file.absolute().parent
    each = value if isinstance(value, list) else [value]
    if not found.named:
        _refuse_power(key, each, found.file, folder)
    if isinstance(value, dict):
        return json.dumps(value)
    moved = [_from_here(key, one, folder) if isinstance(one, str) else one for one in each]
    return moved if isinstance(value, list) else moved[0]


def _refuse_power(key: str, values: list[Any], file: Path, folder: Path) -> None:
    code = key in CODE and any(_is_code(key, str(one), folder) for one in values)
    writes = key in WRITES and any(one is not False for one in values)
    if code or writes:
        said = f"{key} = {values[0]!r}" if len(values) == 1 else key
        what = "runs code" if code else "writes files"
        raise UsageError(
            f"{file}: {said} {what}, which a file that is found by itself can't ask for",
            hint=f"Give {_flag(key)} on the command line, or name the file: --config {file}",
        )


def _flag(key: str) -> str:
    return "the models" if key == "models" else f"--{key.replace('_', '-')}"


def _is_code(key: str, text: str, folder: Path) -> bool:
    """Whether a value names Python code: all with a colon but an array of a data file that exists.

    More than is really code, so that nothing is missed.
    """
    source, colon, _ = text.rpartition(":")
    if key == "model":
        return True
    is_array = key in _PATHS and not source.endswith(".py") and (folder / source).is_file()
    return bool(colon) and not is_array


def _from_here(key: str, text: str, folder: Path) -> str:
    """The text, with the path in it starting where the program runs and not in ``folder``."""
    if key == "report":
        start, equals, path = text.partition("=")
        return f"{start}{equals}{_relative(path, folder)}" if path else text
    source, colon, name = text.rpartition(":")
    if key in CODE and colon:
        in_file = source.endswith(".py") or (folder / source).is_file()
        return f"{_relative(source, folder)}:{name}" if in_file else text
    if key == "labels":
        return _relative(text, folder) if (folder / (source or text)).is_file() else text
    return _relative(text, folder) if key in _PATHS else text


def _relative(path: str, folder: Path) -> str:
    return path if Path(path).is_absolute() else os.path.relpath(folder / path)
