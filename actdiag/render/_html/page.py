"""What fills the page of one report: plain texts and numbers, escaped only by the template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.records import CauseVerdict, Outcome, ReportVerdict, Severity
from actdiag.render._cost import cost
from actdiag.render._facts import MARKS, SYNTHETIC, facts, mark
from actdiag.render._findings import line_of
from actdiag.render._html.findings import finding
from actdiag.render._html.layers import layers
from actdiag.render._story import by_diagnosis, exemptions, headline, skips_by_reason, tally
from actdiag.render._words import cause_name, count, listed, percent, source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Diagnosis, Finding, Report
    from actdiag.render._story import Chain

_TONES = {"✓": "healthy", "?": "unchecked"} | {MARKS[each]: str(each) for each in Severity}
_CAUSES = {
    CauseVerdict.CONFIRMED: ("✓ confirmed", "error"),
    CauseVerdict.RULED_OUT: ("✗ ruled out", ""),
}
_OUTCOMES = {Outcome.HELPS: "healthy"}
_MISTAKES = 10  # our choice; the JSON has twenty
_FOLLOWERS = 5
_FINDING = 4000  # bytes that a finding may take at most, roughly; bounds how many are told
_LEAST = 3


def page(report: Report, room: int) -> dict[str, Any]:
    """Return the texts of a report in about ``room`` bytes: the worst findings first."""
    verdict, why = headline(report)
    diagnosed, left = by_diagnosis(report)
    most = max(_LEAST, min(100, room // _FINDING // 2))
    sign = mark(report)
    failure = report.scan.coverage.failure
    return {
        "mark": sign,
        "tone": _TONES[sign],
        "verdict": line_of(verdict, 300),
        "why": line_of(_sentence(why)),
        "failure": failure
        and {
            "module": line_of(failure.module or "", 300),
            "source": line_of(source_line(failure.source), 300),
            "told": line_of(f"{failure.exception}: {failure.message}."),
        },
        "synthetic": SYNTHETIC if report.scan.data.synthetic else "",
        "first": line_of(_first(diagnosed, left)),
        "facts": [(word, line_of(text)) for word, text in facts(report)],
        "diagnoses": [_diagnosis(each, chains, report) for each, chains in diagnosed],
        "findings": [_chain(chain, report) for chain in left[:most]],
        "left": max(0, sum(1 + len(chain.followers) for chain in left[most:])),
        "mistakes": _mistakes(report),
        "coverage": [line_of(line) for line in _coverage(report)],
        **layers(report, room // 3),
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _first(diagnosed: list[tuple[Diagnosis, list[Chain]]], left: list[Chain]) -> str:
    """The one thing to do first: what the first diagnosis advises, else the worst finding.

    Of notes alone there is none.
    """
    advice = [diagnosis.advice for diagnosis, _ in diagnosed]
    grave = (chain.root.remedy for chain in left if chain.severity is not Severity.INFO)
    return next(filter(None, [*advice, *grave]), "")


def _diagnosis(diagnosis: Diagnosis, chains: list[Chain], report: Report) -> dict[str, Any]:
    return {
        "title": line_of(diagnosis.title, 300),
        "statement": line_of(_sentence(diagnosis.statement)),
        "where": line_of(diagnosis.where or "", 300),
        "source": line_of(source_line(diagnosis.source), 300),
        "advice": line_of(diagnosis.advice),
        "causes": [
            {
                "verdict": _CAUSES.get(cause.verdict, ("? unknown", ""))[0],
                "tone": _CAUSES.get(cause.verdict, ("", ""))[1],
                "name": line_of(cause_name(cause.name), 300),
                "evidence": line_of(cause.evidence),
            }
            for cause in diagnosis.causes
        ],
        "steps": [
            {
                "text": line_of(step.text),
                "outcome": str(step.outcome).replace("-", " ").replace("needs input", "not done"),
                "tone": _OUTCOMES.get(step.outcome, ""),
                "cost": cost(report, step),
                "result": line_of(step.result),
            }
            for step in diagnosis.steps
        ],
        "findings": [_chain(chain, report) for chain in chains[: 2 * _FOLLOWERS]],
    }


def _chain(chain: Chain, report: Report) -> dict[str, Any]:
    followers = sorted(chain.followers, key=lambda finding: finding.severity.rank)
    return {
        "root": _told(chain.root, report),
        "amount": f"What follows from it: {tally(followers)}",
        "open": chain.severity is not chain.root.severity,
        "followers": [_told(each, report) for each in followers[:_FOLLOWERS]],
        "left": max(0, len(followers) - _FOLLOWERS),
    }


def _told(each: Finding, report: Report) -> dict[str, Any]:
    return finding(each, known=each.fingerprint in report.known)


def _mistakes(report: Report) -> list[dict[str, Any]]:
    worst = report.scan.output.worst if report.scan.output else ()
    return [
        {
            "sample": f"{mistake.sample:,}",
            "label": mistake.label,
            "predicted": mistake.predicted,
            "confidence": percent(mistake.confidence, decimals=1),
        }
        for mistake in worst[:_MISTAKES]
    ]


def _coverage(report: Report) -> Iterator[str]:
    seen = report.scan.coverage
    called = seen.modules - len(seen.modules_not_called)
    yield (
        f"{count(seen.sites, 'site')} seen, {called:,} of "
        f"{count(seen.modules, 'leaf module')} called."
    )
    if seen.modules_not_called:
        yield f"Not called: {listed(seen.modules_not_called, 8)}"
    if seen.functions_not_captured:
        yield f"Not captured: {listed(seen.functions_not_captured, 8)}"
    if seen.note and seen.note != headline(report)[1]:
        yield seen.note
    yield from exemptions(report)
    if report.verdict is not ReportVerdict.NOT_CHECKED and not report.skipped:
        yield "Every rule ran."
    for reason, codes in skips_by_reason(report.skipped).items():
        yield f"Skipped, {reason}: {', '.join(codes)}"
