"""From findings and step outcomes to diagnoses, with a verdict on every documented cause."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from actdiag.diagnosis.base import Card, Judgement, told
from actdiag.diagnosis.cards import CARDS
from actdiag.records import CauseVerdict, Diagnosis, Finding, Scan, Severity, StepOutcome
from actdiag.rules.training import Age, age
from actdiag.steps import registry
from actdiag.steps.base import Case, needs
from actdiag.steps.depth import where_it_dies

if TYPE_CHECKING:
    from collections.abc import Mapping

_EFFECTS = ("ACT105", "ACT106", "OUT201", "OUT205", "OUT206")  # seen first, but never the root

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
    judged = [(cause, cause.judge(case, outcomes)) for cause in card.causes]
    behind = [finding for code in card.codes for finding in case.found(code)]
    culprit = _culprit(case, behind)
    return Diagnosis(
        symptom=card.symptom,
        title=card.title,
        statement=symptom.statement,
        measured=dict(symptom.measured),
        causes=tuple(
            told(cause, judgement)
            for cause, judgement in judged
            if not cause.extra or judgement.verdict is CauseVerdict.CONFIRMED
        ),
        steps=tuple(
            outcomes.get(step) or registry()[step].outcome(needs("Not carried out."))
            for step in card.steps
        ),
        where=culprit[0],
        source=culprit[1],
        advice=_advice(case, behind, [judgement for _, judgement in judged], outcomes),
        findings=tuple(finding.fingerprint for finding in behind),
    )


def _culprit(case: Case, behind: list[Finding]) -> tuple[str | None, str | None]:
    """The site that the diagnosis points at: where the signal dies, else the worst finding's."""
    death = where_it_dies(case.scan)
    if death is not None:
        return death.site.name, death.site.source
    placed = sorted((item for item in behind if item.site), key=lambda item: item.severity.rank)
    return (placed[0].site, placed[0].source) if placed else (None, None)


def _advice(
    case: Case,
    behind: list[Finding],
    judgements: list[Judgement],
    outcomes: Mapping[str, StepOutcome],
) -> str:
    """What to do first: against the finding that explains most, else the first confirmed cause."""
    root = _root(case, behind)
    if root is not None:
        return root.remedy
    for judgement in judgements:
        if judgement.verdict is CauseVerdict.CONFIRMED and judgement.remedy:
            return judgement.remedy
    helped = next((item for item in outcomes.values() if item.outcome == "helps"), None)
    if helped is not None:
        return f"{helped.text}: it helped on a copy."
    if age(case.scan) is Age.FRESH:
        return "Train it first, or scan the trained checkpoint: these weights look untrained."
    if _works_inside(case):
        return (
            "Nothing inside the model explains it: check that the labels belong to these samples "
            "(order, encoding), and that the data is prepared as in training."
        )
    return "No documented cause was confirmed: begin with the layer named here."


def _works_inside(case: Case) -> bool:
    """Whether no finding above a note concerns a place inside the model."""
    loud = (item for item in case.findings if item.severity is not Severity.INFO)
    return not any(item.code.startswith(("ACT", "INI", "ATT", "GRD", "ARC")) for item in loud)


def _root(case: Case, behind: list[Finding]) -> Finding | None:
    """The finding without a cause of its own that explains most of the others, if one does."""
    known = {finding.fingerprint: finding for finding in case.findings}
    explained = Counter(
        root for finding in behind for root in _roots(finding, known) if root != finding.fingerprint
    )
    remedied = [
        (name, amount)
        for name, amount in explained.items()
        if known[name].remedy and known[name].code not in _EFFECTS
    ]
    if not remedied:
        return None
    return known[max(remedied, key=lambda item: item[1])[0]]


def _roots(finding: Finding, known: Mapping[str, Finding]) -> set[str]:
    """Fingerprints at the ends of the chains of causes that lead to a finding."""
    seen: set[str] = set()
    waiting, ends = [finding.fingerprint], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        causes = [cause for cause in known[name].follows_from if cause in known]
        waiting.extend(causes)
        if not causes:
            ends.add(name)
    return ends
