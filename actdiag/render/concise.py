"""One line per finding, ``file:line`` first where it is known, so that editors can jump to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import ReportVerdict
from actdiag.render._findings import advised, fresh, line_of, location, title
from actdiag.render._story import exemptions, headline, waiting
from actdiag.render._words import count, defused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Finding, Report


def render(report: Report, *more: Report) -> str:
    """Return each report's verdict and its findings, worst first, each on a line of its own.

    Findings that a baseline knows are counted, not listed.
    """
    return "".join(f"{defused(line)}\n" for each in (report, *more) for line in _lines(each))


def verdict(report: Report) -> str:
    """Return the verdict on one line: the model, what was found, the first thing to know."""
    path = line_of(report.scan.model.path or report.scan.model.class_name, 300)
    known = sum(finding.fingerprint in set(report.known) for finding in report.findings)
    seen = f" ({count(known, 'finding')} known from the baseline)" if known else ""
    left_out = "".join(f" ({line_of(line)})" for line in exemptions(report))
    return f"{path}: {_word(report)}: {line_of(': '.join(headline(report)))}{seen}{left_out}"


def _word(report: Report) -> str:
    if waiting(report):
        return "little seen"
    words = {ReportVerdict.HEALTHY: "healthy", ReportVerdict.NOT_CHECKED: "not checked"}
    return words.get(report.verdict, "sick")


def _lines(report: Report) -> Iterator[str]:
    yield verdict(report)
    model = report.scan.model.path or report.scan.model.class_name
    for finding in fresh(report):
        yield f"{_where(finding, model)}: {finding.severity}: {title(finding)}: {advised(finding)}"


def _where(finding: Finding, model: str) -> str:
    at = location(finding.source)
    return f"{at.path}:{at.line}" if at else line_of(model, 300)
