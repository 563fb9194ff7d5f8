"""``data.npz:x_test``: one array of a file that holds several, and the labels that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actdiag.errors import DataError
from actdiag.feed import files
from actdiag.feed.names import listed, nearest, printable

# Names of inputs and of the labels beside them, in parts between underscores (x_test, y_test).
_PAIRS = (
    ("x", "y"),
    ("inputs", "labels"),
    ("input", "label"),
    ("images", "labels"),
    ("image", "label"),
    ("data", "labels"),
    ("data", "target"),
    ("features", "labels"),
    ("features", "targets"),
    ("inputs", "targets"),
)


@dataclass(frozen=True)
class Member:
    """An array of a file, by its name."""

    path: Path
    name: str


def parse(text: str) -> Member | None:
    """The file and the name in ``FILE:NAME``; null where there is no such file, or it is code."""
    front, colon, name = text.rpartition(":")
    path = Path(front)
    if not colon or not name or path.suffix == ".py" or files.exists(Path(text)):
        return None
    return Member(path, name) if files.exists(path) and path.is_file() else None


def read(member: Member) -> dict[str, Any]:
    """The array as ``x``, and as ``y`` the labels named like it: ``y_test`` for ``x_test``.

    Raises:
        DataError: the file can't be read or holds no array of that name.
    """
    held = _held(member)
    found = {"x": array(member, held)}
    label = next((name for name in _label_names(member.name) if name in held), None)
    return found if label is None else found | {"y": held[label]}


def array(member: Member, held: Mapping[str, Any] | None = None) -> Any:
    """The array itself.

    Raises:
        DataError: the file can't be read or holds no array of that name.
    """
    held = _held(member) if held is None else held
    if member.name in held:
        return held[member.name]
    raise DataError(
        f"there is no {printable(member.name)!r} in {printable(member.path)}",
        hint=f"{nearest(member.name, held)}It holds {listed(held)}.",
    )


def _held(member: Member) -> Mapping[str, Any]:
    data = files.read(member.path)
    if isinstance(data, Mapping):
        return {str(name): value for name, value in data.items()}
    raise DataError(
        f"{printable(member.path)} holds no arrays by name, so :{printable(member.name)} has no "
        "place to go",
        hint="Give the file alone; a column of labels is named with --labels.",
    )


def _label_names(name: str) -> list[str]:
    """What the labels beside an input of that name may be called."""
    parts = name.split("_")
    return [
        "_".join([*parts[:place], word, *parts[place + 1 :]])
        for inputs, labels in _PAIRS
        for place, part in enumerate(parts)
        if part.casefold() == inputs
        for word in (labels, labels.upper())
    ]
