"""What the documentation of a rule says, for reports that carry it along.

That documentation is a docstring, and the one thing that renderers take from the rules. The
project has no address of its own, so a report that cannot carry it names the command that shows
it; no address is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Finding, Report


@dataclass(frozen=True, slots=True)
class Documentation:
    """The page of one rule: a sentence, then paragraphs by their headings."""

    code: str
    name: str
    summary: str
    sections: dict[str, str]


def documented(findings: Iterable[Finding]) -> dict[str, Documentation]:
    """Return the pages of the rules that found something, by code; rules unknown here have none."""
    known = _pages()
    codes = sorted({finding.code for finding in findings})
    return {code: known[code] for code in codes if code in known}


def command(code: str) -> str:
    """Return ``actdiag explain ACT101``, or nothing for a rule that is unknown here."""
    return f"actdiag explain {code}" if code in _pages() else ""


def appended(code: str) -> str:
    """Return the same for the end of a sentence, in brackets after a space."""
    return f" ({command(code)})" if command(code) else ""


def reports_documented(reports: Iterable[Report]) -> list[Documentation]:
    """Return the pages of all rules that found something in any of the reports."""
    return list(documented(f for report in reports for f in report.findings).values())


@cache
def _pages() -> dict[str, Documentation]:
    from actdiag.rules import registry

    try:
        rules = registry().values()
    except UsageError:  # a plugin that cannot be loaded; judging told it
        return {}
    return {
        rule.code: Documentation(
            rule.code,
            rule.name,
            rule.summary,
            {heading: " ".join(text.split()) for heading, text in rule.sections.items()},
        )
        for rule in rules
    }
