"""The diagnoses: the symptom, where it sits, what to do first, causes and debug steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import CauseVerdict, Outcome
from actdiag.render._cost import cost
from actdiag.render._story import by_diagnosis
from actdiag.render._terminal.findings import brief
from actdiag.render._terminal.page import BAD, GOOD, STRONG, Page
from actdiag.render._words import cause_name, source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import Diagnosis, Report
    from actdiag.render._story import Chain

_CAUSES = {
    CauseVerdict.CONFIRMED: ("✓", "confirmed", BAD),
    CauseVerdict.RULED_OUT: ("✗", "ruled out", ""),
    CauseVerdict.UNKNOWN: ("?", "unknown", ""),
}
_OUTCOMES = {
    Outcome.DONE: ("done", STRONG),
    Outcome.HELPS: ("helps", GOOD),
    Outcome.NO_EFFECT: ("no effect", STRONG),
    Outcome.NOT_APPLICABLE: ("not applicable", ""),
    Outcome.NEEDS_INPUT: ("not done", ""),
}


def diagnoses(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield one section for each diagnosis."""
    told, _ = by_diagnosis(report)
    for _index, (diagnosis, chains) in enumerate(told):
        yield page.heading(diagnosis.title.upper())
        yield page.rows(list(_summary(diagnosis, chains, page)))
        if diagnosis.causes:
            yield page.text("  causes")
            yield page.rows(list(_causes(diagnosis, page)), indent=4)
        if diagnosis.steps:
            yield page.text("  debug steps")
            yield from _steps(diagnosis, report, page)


def _summary(diagnosis: Diagnosis, chains: list[Chain], page: Page) -> Iterator[tuple[Text, Text]]:
    yield page.text("what"), page.text(diagnosis.statement)
    if diagnosis.where:
        at = f", {source_line(diagnosis.source)}" if diagnosis.source else ""
        yield page.text("where"), page.text("layer ", (diagnosis.where, STRONG), at)
    if diagnosis.advice:
        yield page.text("do first"), page.text((diagnosis.advice, STRONG))
    for index, text in enumerate(brief(chains, page)):
        yield page.text("" if index else "found"), text


def _causes(diagnosis: Diagnosis, page: Page) -> Iterator[tuple[Text, ...]]:
    for cause in diagnosis.causes:
        mark, word, style = _CAUSES[cause.verdict]
        yield (
            page.text((mark, style)),
            page.text((word, style)),
            page.text(
                (cause_name(cause.name), STRONG),
                f": {cause.evidence}" if cause.evidence else "",
            ),
        )


def _steps(diagnosis: Diagnosis, report: Report, page: Page) -> Iterator[RenderableType]:
    for number, step in enumerate(diagnosis.steps, start=1):
        word, style = _OUTCOMES[step.outcome]
        yield page.rows([(page.text(str(number)), page.text(step.text))], indent=4)
        told = f": {step.result}" if step.result else ""
        outcome = page.text((word, style), cost(report, step), told)
        yield page.rows([(page.text("→"), outcome)], indent=6)
