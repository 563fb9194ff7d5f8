"""Saved scans read back: one report, or those of several models in one document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError
from actdiag.records import SCHEMA_VERSION, Report

if TYPE_CHECKING:
    from pathlib import Path

_HINT = "Save one with: actdiag scan MODEL DATA --report json=scan.json"


def read(path: Path) -> tuple[Report, ...]:
    """Read a saved scan.

    Raises:
        UsageError: the file cannot be read or holds none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint=_HINT) from None
    try:
        document = json.loads(content, parse_constant=_no_constant)  # in any encoding of Unicode
    except (ValueError, RecursionError):
        message = f"{path} is {_what(content)}, so it is no saved scan"
        raise UsageError(message, hint=_HINT) from None
    try:
        return tuple(Report.from_json(each) for each in _documents(document))
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None


def _no_constant(word: str) -> None:
    """Refuse NaN and Infinity, which JSON does not know and no saved scan holds."""
    raise ValueError(word)


def _what(content: bytes) -> str:
    """What a file is that is not JSON."""
    text = content.strip(b"\0 \t\r\n")
    if not text:
        return "empty"
    opened = text.startswith((b"{", b"["))
    return "cut off" if opened and not text.endswith((b"}", b"]")) else "not JSON"


def _documents(document: Any) -> list[Any]:
    """The documents of the single reports; of several they stand in a list."""
    several = isinstance(document, dict) and document.get("schema_version") == SCHEMA_VERSION
    reports = document.get("reports") if several else None
    return reports if isinstance(reports, list) and reports else [document]
