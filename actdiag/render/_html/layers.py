"""The table of layers on the page: a row each, shares with a bar, numbers to sort by."""

from __future__ import annotations

import math
from itertools import compress
from typing import TYPE_CHECKING, Any

from actdiag.records import Severity
from actdiag.render._facts import MARKS
from actdiag.render._findings import line_of
from actdiag.render._gated import gated_lines
from actdiag.render._layers import dead_share, marked, most_telling
from actdiag.render._words import number, percent, source_line

if TYPE_CHECKING:
    from actdiag.records import Report, Site

_ROW = 1500  # bytes that a row may take, roughly
_MOST = 200  # rows; our choice
_LONG = 48  # characters; a longer name may be broken
_TITLES = {  # by whether its cells are numbers
    "layer": False,
    "what": False,
    "shape": False,
    "mean": True,
    "std": True,
    "zeros": True,
    "dead": True,
    "saturated": True,
    "slope": True,
    "effective rank": True,
    "source": False,
}


def layers(report: Report, room: int) -> dict[str, Any]:
    """Return columns, rows and how many were left out, in about ``room`` bytes.

    A column that no layer fills is left out.
    """
    sites, found = report.scan.sites, marked(report.findings)
    shown = most_telling(sites, found, max(1, min(_MOST, room // _ROW)))
    rows = [_row(site, found.get(site.name)) for site in shown]
    filled = [any(row["cells"][at]["text"] for row in rows) for at in range(len(_TITLES))]
    for row in rows:
        row["cells"] = list(compress(row["cells"], filled))
    titles = compress(_TITLES.items(), filled)
    return {
        "columns": [{"title": title, "number": numeric} for title, numeric in titles],
        "layers": rows,
        "marked": any(row["mark"] for row in rows),
        "more_layers": len(sites) - len(shown),
        "gated": [line_of(line) for line in gated_lines(report)],
    }


def _row(site: Site, severity: Severity | None) -> dict[str, Any]:
    stats = site.stats
    shares = (stats.zero_fraction, dead_share(site), stats.saturated_fraction)
    return {
        "mark": MARKS[severity] if severity else "",
        "severity": str(severity or ""),
        "tone": str(severity or ""),
        "rank": len(Severity) - severity.rank if severity else 0,
        "cells": [
            _text(line_of(site.name, 200), code=True, long=len(site.name) > _LONG),
            _text(line_of(site.function or site.role, 60)),
            _text("×".join(map(str, site.shape))),
            _number(stats.mean),
            _number(stats.std),
            *(_share(share) for share in shares),
            _number(stats.mean_slope),
            _number(stats.effective_rank),
            _text(line_of(source_line(site.source), 200), code=True),
        ],
    }


def _text(text: str, *, code: bool = False, long: bool = False) -> dict[str, Any]:
    return {
        "text": text,
        "code": code and bool(text),
        "number": False,
        "long": long,
        "bar": None,
    }


def _number(value: float | None) -> dict[str, Any]:
    shown = "" if value is None else number(value)
    return {"text": shown, "code": False, "number": True, "value": _key(value), "bar": None}


def _share(value: float | None) -> dict[str, Any]:
    bar = None if value is None or _key(value) == "" else round(100 * min(max(value, 0), 1), 1)
    shown = "" if value is None else percent(value)
    return {"text": shown, "code": False, "number": True, "value": _key(value), "bar": bar}


def _key(value: float | None) -> str:
    """What the column is sorted by; nothing where there is no finite number."""
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"
