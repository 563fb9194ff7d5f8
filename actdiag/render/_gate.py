"""What a gate says: one line for each model, the findings that failed it beneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.render._findings import advised, line_of, location, title, worst_first
from actdiag.render._story import exemptions, headline, not_run, samples, tally, waiting
from actdiag.render._words import count, defused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from actdiag.records import Finding, Report

_FINDINGS = 20  # lines for one model; our choice, --format concise has all


@dataclass(frozen=True, slots=True)
class Judged:
    """A model at the gate: its report, its exit code, what failed it, rules that did not run."""

    report: Report
    code: int
    failing: tuple[Finding, ...] = ()
    skipped: int = 0


_WORDS = {0: "ok", 1: "FAILED", 2: "ERROR", 3: "NOT CHECKED", 4: "REFUSED"}
_MARKS = {0: "✓", 1: "✗", 2: "✗", 3: "?", 4: "✗"}


def lines(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield a verdict on each model, what failed it, and a summary where there are several."""
    if (shared := _shared(judged)) is not None:
        yield defused(shared)
    for one in judged if shared is None else ():
        yield defused(_verdict(one))
        yield from map(defused, _failing(one))
    if len(judged) > 1:
        passed = sum(one.code == 0 for one in judged)
        yield f"{passed:,} of {count(len(judged), 'model')} passed"


def _shared(judged: Sequence[Judged]) -> str | None:
    """What kept all of several models from being checked, such as a wrong option; else null."""
    alike = {None if one.code <= 1 or one.failing else (one.code, _why(one)) for one in judged}
    found = alike.pop() if len(alike) == 1 < len(judged) else None
    if found is None:
        return None
    code, why = found
    return f"{_MARKS[code]} {_WORDS[code]} all {count(len(judged), 'model')}: {why}"


def _verdict(one: Judged) -> str:
    model = one.report.scan.model
    name = line_of(model.path or model.class_name, 300)
    return f"{_MARKS[one.code]} {_WORDS[one.code]} {name}: {_why(one)}"


def _why(one: Judged) -> str:
    report = one.report
    if one.code > 1:
        why, found = line_of((not_run(report) or headline(report))[1]), tally(report.findings)
        return f"{why} ({found})" if found else why
    known = len({f.fingerprint for f in report.findings} & set(report.known))
    new = [finding for finding in report.findings if finding.fingerprint not in report.known]
    parts = [tally(new) or ("nothing new" if known else "nothing found")]
    if known:
        parts.append(f"{known:,} known from the baseline")
    parts += [line_of(line) for line in exemptions(report)]
    if one.skipped:
        parts.append(f"{count(one.skipped, 'rule')} skipped for want of input")
    elif few := waiting(report):
        parts.append(f"{count(few, 'rule')} would need more than {samples(report)}")
    return ", ".join(parts)


def _failing(one: Judged) -> Iterator[str]:
    found = worst_first(one.failing)
    for finding in found[:_FINDINGS]:
        at = location(finding.source)
        place = f"{at.path}:{at.line}: " if at else ""
        yield f"  {place}{finding.severity}: {title(finding)}: {advised(finding)}"
    if len(found) > _FINDINGS:
        yield f"  +{len(found) - _FINDINGS:,} more, --format concise lists all"
