"""From findings and step outcomes to diagnoses, with a verdict on every documented cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.diagnosis.advice import first_thing
from actdiag.diagnosis.base import Card, told
from actdiag.diagnosis.cards import CARDS
from actdiag.records import CauseVerdict, Diagnosis, Finding, Scan, StepOutcome
from actdiag.steps import registry
from actdiag.steps.base import Case, needs
from actdiag.steps.depth import where_it_dies

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CARDS", "diagnose", "steps_called_for"]


def steps_called_for(scan: Scan, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """Ids of the debug steps of every symptom that the scan shows."""
    case = Case(scan, findings)
    ids = (step for card in CARDS if card.seen(case) is not None for step in card.steps)
    return tuple(dict.fromkeys(ids))


def diagnose(
    scan: Scan, findings: tuple[Finding, ...], outcomes: Mapping[str, StepOutcome]
) -> tuple[Diagnosis, ...]:
    """A diagnosis for every symptom that the scan shows.

    ``outcomes`` are the debug steps that were carried out, by id; one that is missing is told as
    not carried out.
    """
    case = Case(scan, findings)
    return tuple(made for card in CARDS if (made := _diagnosis(card, case, outcomes)) is not None)


def _diagnosis(card: Card, case: Case, outcomes: Mapping[str, StepOutcome]) -> Diagnosis | None:
    symptom = card.seen(case)
    if symptom is None:
        return None
    judged = {cause: cause.judge(case, outcomes) for cause in card.causes}
    behind = [finding for code in card.codes for finding in case.found(code)]
    culprit = _culprit(case, behind)
    confirmed = {
        cause.name: judgement.remedy
        for cause, judgement in judged.items()
        if judgement.verdict is CauseVerdict.CONFIRMED
    }
    first = first_thing(case, behind, confirmed, outcomes)
    return Diagnosis(
        symptom=card.symptom,
        title=card.title,
        statement=symptom.statement,
        measured=dict(symptom.measured),
        causes=tuple(
            told(cause, judgement)
            for cause, judgement in judged.items()
            if not cause.extra or judgement.verdict is CauseVerdict.CONFIRMED
        ),
        steps=tuple(
            outcomes.get(step) or registry()[step].outcome(needs("Not carried out."))
            for step in card.steps
        ),
        where=culprit[0],
        source=culprit[1],
        cause=first.cause,
        advice=first.advice,
        findings=tuple(finding.fingerprint for finding in behind),
    )


def _culprit(case: Case, behind: list[Finding]) -> tuple[str | None, str | None]:
    """The site that the diagnosis points at: where the signal dies, else the worst finding's."""
    death = where_it_dies(case.scan)
    if death is not None:
        return death.site.name, death.site.source
    placed = sorted((item for item in behind if item.site), key=lambda item: item.severity.rank)
    return (placed[0].site, placed[0].source) if placed else (None, None)
