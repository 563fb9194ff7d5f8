"""One finding as the page tells it: plain texts, escaped only by the template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.render._documentation import command
from actdiag.render._facts import MARKS
from actdiag.render._findings import line_of, location, told, within
from actdiag.render._words import source_line

if TYPE_CHECKING:
    from actdiag.records import Finding


def finding(found: Finding, *, known: bool = False) -> dict[str, Any]:
    """Return the texts of a finding; ``rule`` names its documentation on the page, or nothing."""
    at = location(source_line(found.source))
    sure = "" if found.confidence == "high" else f" ({found.confidence} confidence)"
    return {
        "tone": str(found.severity),
        "mark": MARKS[found.severity],
        "severity": str(found.severity),
        "rule": found.code if command(found.code) else "",
        "title": line_of(f"{found.code} {found.name}", 200),
        "sure": sure,
        "place": line_of(found.site or found.module or "", 300),
        "within": "in layer" if within(found) != "in the input" else "in the input",
        "source": f"{at.path}:{at.line}" if at else "",
        "message": told(found),
        "remedy": line_of(found.remedy),
        "known": known,
    }
