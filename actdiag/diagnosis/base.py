"""What a problem card is: a symptom, its documented causes and its documented debug steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actdiag.records import Cause, CauseVerdict, Finding, Role, Severity, StepOutcome

if TYPE_CHECKING:
    from actdiag.steps.base import Case

Outcomes = Mapping[str, StepOutcome]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one cause, its evidence, and what to do about it if it is confirmed."""

    verdict: CauseVerdict
    evidence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CauseJudge:
    """A cause and what decides about it. An ``extra`` one is told only when it is confirmed.

    The documented causes of a card are always told; extra ones lie behind them.
    """

    name: str
    judge: Callable[[Case, Outcomes], Judgement]
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Symptom:
    """What was seen: a sentence with the numbers, and the numbers."""

    statement: str
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Card:
    """One problem card. ``codes`` are the rules whose findings belong to it."""

    symptom: str
    title: str
    seen: Callable[[Case], Symptom | None]
    causes: tuple[CauseJudge, ...]
    steps: tuple[str, ...]
    codes: tuple[str, ...]


_IDLE = frozenset({"ACT101", "ACT102", "ACT105", "INI404"})


def works_inside(findings: tuple[Finding, ...]) -> bool:
    """Whether no finding above a note concerns a place inside the model.

    Some idle units do not count, but most of a layer: models that work have them too.
    """
    return not harm_inside(findings)


def harm_inside(findings: tuple[Finding, ...]) -> list[Finding]:
    """The findings above a note on places inside the model, the worst first."""
    return [
        item
        for item in findings
        if item.severity is Severity.ERROR
        or (item.severity is Severity.WARNING and item.code not in _IDLE)
        if item.code.startswith(("ACT", "INI", "ATT", "GRD", "ARC"))
    ]


def confirmed(evidence: str, remedy: str) -> Judgement:
    """The measurement shows this cause."""
    return Judgement(CauseVerdict.CONFIRMED, evidence, remedy)


def ruled_out(evidence: str) -> Judgement:
    """The measurement shows that it is not this cause."""
    return Judgement(CauseVerdict.RULED_OUT, evidence)


def unknown(evidence: str) -> Judgement:
    """The measurement does not tell; the evidence says what would."""
    return Judgement(CauseVerdict.UNKNOWN, evidence)


def not_run(case: Case) -> Judgement | None:
    """Nothing can be said of what was never run."""
    if case.scan.data.samples or any(site.role is Role.ACTIVATION for site in case.scan.sites):
        return None
    return unknown("The model was not run: give data.")


def told(cause: CauseJudge, judgement: Judgement) -> Cause:
    """The record of a judged cause."""
    return Cause(cause.name, judgement.verdict, judgement.evidence)
