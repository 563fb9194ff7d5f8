"""Which models are meant: files, folders of checkpoints, patterns, and names of factories."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from actdiag.errors import NothingCheckedError

if TYPE_CHECKING:
    from collections.abc import Iterable


def models(wanted: Iterable[str], *, data: Iterable[str | None] = ()) -> list[str]:
    """Return the models in the order named, those of a folder or pattern sorted, each once.

    A folder stands for the checkpoints in it and below, hidden folders and ``data`` left out,
    unless it is a model itself (Hugging Face).

    Raises:
        NothingCheckedError: a folder or a pattern without any model.
    """
    left_out = {Path(path).resolve() for path in data if path}
    found: dict[object, str] = {}
    for word in wanted:
        for model in _meant(word):
            path = Path(model)
            if path.resolve() not in left_out or model == word:
                found.setdefault(path.resolve() if path.exists() else model, model)
    return list(found.values())


def _meant(word: str) -> list[str]:
    if Path(word).is_dir():
        inside = _in_folder(Path(word))
        if not inside:
            message = f"there is no model file in {word}"
            raise NothingCheckedError(message, hint="Give a model file, or a folder that has some.")
        return inside
    if Path(word).exists() or not glob.has_magic(word):
        return [word]
    matching = _matching(word)
    pattern, colon, key = word.rpartition(":")
    if not matching and colon:  # run/*.pt:ema
        return _found([f"{match}:{key}" for match in _matching(pattern)], word)
    return _found([model for match in matching for model in _in(Path(match))], word)


def _matching(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path takes no absolute pattern


def _found(models: list[str], word: str) -> list[str]:
    if not models:
        raise NothingCheckedError(f"no file matches {word}", hint="Nothing was checked.")
    return models


def _in(match: Path) -> list[str]:
    return _in_folder(match) if match.is_dir() else [str(match)]


def _in_folder(folder: Path) -> list[str]:
    from actdiag.load.huggingface import is_folder_of_model
    from actdiag.load.source import WEIGHT_SUFFIXES

    if is_folder_of_model(folder):
        return [str(folder)]
    found: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            found += _in_folder(path)
        elif path.suffix in WEIGHT_SUFFIXES and path.is_file():
            found.append(str(path))
    return found
