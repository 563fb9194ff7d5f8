"""The sites as a table for spreadsheets and data frames: one row each, in forward order."""

from __future__ import annotations

import csv
import math
from dataclasses import fields
from fnmatch import fnmatchcase
from io import StringIO
from typing import TYPE_CHECKING

from actdiag.records import SiteStats
from actdiag.render._words import clean

if TYPE_CHECKING:
    from actdiag.records import Report, Site

_SITE = (
    "name",
    "module",
    "module_class",
    "function",
    "role",
    "call",
    "source",
    "shape",
    "units",
    "dtype",
)
_STATS = tuple(item.name for item in fields(SiteStats) if item.name != "quantiles")
_QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
COLUMNS = ("model", *_SITE, *_STATS, *(f"q{name}" for name in _QUANTILES), "findings", "ignored")


def render(report: Report, *more: Report) -> str:
    """Return CSV with a header, by RFC 4180 but for line ends, which are single newlines.

    ``findings`` holds the codes of what was found in a layer, ``ignored`` the rules that the
    settings leave out there. Empty cells are what is not known. A text that a spreadsheet would
    run as a formula is kept from it by an apostrophe in front.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in (report, *more):
        found: dict[str, list[str]] = {}
        for finding in each.findings:
            if finding.site:
                found.setdefault(finding.site, []).append(finding.code)
        model = each.scan.model.path or each.scan.model.class_name
        for site in each.scan.sites:
            codes = " ".join(dict.fromkeys(found.get(site.name, ())))
            row = (model, *_values(site), codes, _ignored(site, each))
            writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _ignored(site: Site, report: Report) -> str:
    """The rules that the settings leave out in this layer, with the reasons."""
    return "; ".join(
        f"{one.rule}: {one.reason}"
        for one in report.ignored
        if any(fnmatchcase(name, one.modules) for name in (site.module, site.name))
    )


def _values(site: Site) -> list[object]:
    shape = "x".join(map(str, site.shape))
    facts = [shape if name == "shape" else getattr(site, name) for name in _SITE]
    stats = [getattr(site.stats, name) for name in _STATS]
    return [*facts, *stats, *(site.stats.quantiles.get(name) for name in _QUANTILES)]


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    text = clean(str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
