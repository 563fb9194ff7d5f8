"""Names: what people call their arrays, and how to print names that come from a file."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

INPUT_NAMES = ("x", "inputs", "input", "data", "images", "image", "features", "samples")
LABEL_NAMES = ("y", "labels", "label", "targets", "target", "classes", "class")

_LONGEST = 200


def printable(text: object) -> str:
    """``text`` without control characters, at most 200 characters: safe to print in one line.

    Names from a file are data: an escape sequence or a newline in them becomes ``�``.
    """
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def listed(names: Iterable[object], *, most: int = 8) -> str:
    """The names, comma-separated, the first ``most`` of them and the count of the rest."""
    clean = [printable(name) for name in names]
    rest = len(clean) - most
    return ", ".join(clean[:most]) + (f" and {rest} more" if rest > 0 else "")


def nearest(name: str, names: Iterable[str]) -> str:
    """A sentence that offers the names most like ``name``; empty if none is alike."""
    alike = difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(printable(other) for other in alike)}? " if alike else ""


def first_named(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """The name among ``names`` that equals one of ``wanted``, whatever its case; None if none."""
    by_folded = {name.casefold(): name for name in reversed(list(names))}
    return next((by_folded[want] for want in wanted if want in by_folded), None)
