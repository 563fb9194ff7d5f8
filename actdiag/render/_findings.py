"""One finding on its own: where it points, which come first, and how it reads on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import Confidence, Role
from actdiag.render._words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Finding, Report

MESSAGE = 1000  # characters of one message; our choice, as on a terminal


@dataclass(frozen=True, slots=True)
class Location:
    """A line of a file; ``line`` counts from 1."""

    path: str
    line: int


def location(source: str | None) -> Location | None:
    """Return the file and the line that ``file:line`` names; null where it names none."""
    path, colon, line = (source or "").rpartition(":")
    if not path or not colon or not (line.isascii() and line.isdigit()) or int(line) < 1:
        return None
    return Location(line_of(path).replace("\\", "/").removeprefix("./"), int(line))


def line_of(text: str, most: int = MESSAGE) -> str:
    """Return text from anywhere as one safe line of at most ``most`` characters."""
    text = clean(text[: 2 * most])
    return text if len(text) <= most else text[: most - 1] + "…"


def place(finding: Finding) -> str:
    """Return the layer's name, or ``the model`` for a finding about all of it."""
    return line_of(finding.site or finding.module or "the model", 300)


def within(finding: Finding) -> str:
    """Return ``in layer 3``, ``in the input`` or, for the whole model, nothing."""
    name = finding.site or finding.module
    if not name:
        return ""
    return "in the input" if name == Role.INPUT else f"in layer {place(finding)}"


def title(finding: Finding) -> str:
    """Return ``ACT101 dead-relu in layer 3``, and how sure it is unless it is very sure."""
    sure = f"({finding.confidence} confidence)" * (finding.confidence is not Confidence.HIGH)
    return " ".join(filter(None, (finding.code, finding.name, sure, within(finding))))


def told(finding: Finding) -> str:
    """Return what was measured, on one line."""
    return line_of(finding.message)


def advised(finding: Finding) -> str:
    """Return what was measured and what to do, on one line."""
    return line_of(f"{finding.message} {finding.remedy}".strip())


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by severity, causes before what follows from them, then as reported."""
    return sorted(findings, key=lambda f: (f.severity.rank, bool(f.follows_from)))


def fresh(report: Report) -> list[Finding]:
    """Return what a baseline does not have already, worst first."""
    known = set(report.known)
    return worst_first(f for f in report.findings if f.fingerprint not in known)
