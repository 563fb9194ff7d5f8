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
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint=_HINT) from None
    except ValueError:
        raise UsageError(f"{path} is not JSON, so it is no saved scan", hint=_HINT) from None
    try:
        return tuple(Report.from_json(each) for each in _documents(document))
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a complete saved scan: {error}", hint=_HINT) from None


def _documents(document: Any) -> list[Any]:
    """The documents of the single reports; of several they stand in a list."""
    several = isinstance(document, dict) and document.get("schema_version") == SCHEMA_VERSION
    reports = document.get("reports") if several else None
    return reports if isinstance(reports, list) and reports else [document]
