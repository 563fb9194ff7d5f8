"""Counting: what the rules say of models that worked and of models that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.diagnosis import diagnose
from actdiag.records import Severity
from actdiag.rules import judge, registry
from benchmarks.family.training import FAILED, WORKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.records import Finding
    from benchmarks.family.case import Case
    from benchmarks.family.store import Entry

LOUD = (Severity.ERROR, Severity.WARNING)


@dataclass(frozen=True)
class Judged:
    """A model with its findings, once with labels or once without.

    ``impaired``: it worked, and its counterparts do better.
    """

    case: Case
    outcome: str
    skill: float
    findings: tuple[Finding, ...]
    impaired: bool = False
    symptoms: tuple[str, ...] = ()

    def at(self, *severities: Severity) -> tuple[Finding, ...]:
        """The findings of these severities."""
        return tuple(finding for finding in self.findings if finding.severity in severities)

    @property
    def named(self) -> bool:
        """Whether an error or a warning names the mistake, or what it did to the network.

        Of a model that failed without a mistake of the family's, any that does not only describe
        the answers.
        """
        codes = {finding.code for finding in self.at(*LOUD)}
        if self.case.names:
            return bool(codes.intersection(self.case.names))
        return any(not code.startswith("OUT") for code in codes)


def judged(entry: Entry, *, labels: bool) -> Judged:
    """The present rules' findings on a kept scan."""
    scan = entry.labelled if labels else entry.unlabelled
    found = judge(scan)[0]
    symptoms = tuple(one.symptom for one in diagnose(scan, found, {}))
    held = entry.held
    return Judged(entry.case, held.outcome, held.skill, found, entry.impaired, symptoms)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "none"


def summary(models: Sequence[Judged]) -> list[tuple[str, str, str]]:
    """What the targets are about: a line each with what was reached."""
    worked = [one for one in models if one.outcome == WORKED]
    harmed = [one for one in worked if one.impaired]
    unharmed = [one for one in worked if not one.impaired]
    sound = [one for one in worked if not one.case.mistake]
    failed = [one for one in models if one.outcome == FAILED]

    def with_finding(group: Sequence[Judged], *severities: Severity) -> str:
        return _share(sum(bool(one.at(*severities)) for one in group), len(group))

    told = sum(bool(one.at(*LOUD) or one.symptoms) for one in failed)
    return [
        ("failed: error, warning or a diagnosis", _share(told, len(failed)), ""),
        ("failed: error or warning", with_finding(failed, *LOUD), "≥ 95 %"),
        (
            "failed: one that names the mechanism",
            _share(sum(x.named for x in failed), len(failed)),
            "≥ 95 %",
        ),
        ("worked: error", with_finding(worked, Severity.ERROR), "≤ 1 %"),
        ("worked: warning or error", with_finding(worked, *LOUD), "≤ 10 %"),
        ("worked as well as was to be had: error", with_finding(unharmed, Severity.ERROR), ""),
        ("worked as well as was to be had: warning or error", with_finding(unharmed, *LOUD), ""),
        ("worked, but impaired: warning or error", with_finding(harmed, *LOUD), ""),
        ("worked, made without a mistake: error", with_finding(sound, Severity.ERROR), "≤ 1 %"),
        ("worked, made without a mistake: warning or error", with_finding(sound, *LOUD), "≤ 10 %"),
    ]


def by_rule(models: Sequence[Judged]) -> list[tuple[str, ...]]:
    """A row per rule, each model counted once at its worst.

    Code, name; failed models with error, warning, info; worked models likewise; precision and
    recall of errors and warnings as a test for failure.
    """
    worked = [one for one in models if one.outcome == WORKED]
    failed = [one for one in models if one.outcome == FAILED]
    rows = []
    for code, rule in registry().items():
        of_failed, of_worked = (_worst(group, code) for group in (failed, worked))
        hits, alarms = sum(of_failed[:2]), sum(of_worked[:2])
        precision = f"{hits / (hits + alarms):.0%}" if hits + alarms else "–"
        recall = f"{hits / len(failed):.0%}" if failed and hits + alarms else "–"
        rows.append((code, rule.name, *map(str, (*of_failed, *of_worked)), precision, recall))
    return rows


def _worst(group: Sequence[Judged], code: str) -> tuple[int, int, int]:
    counts = [0, 0, 0]
    for one in group:
        ranks = [finding.severity.rank for finding in one.findings if finding.code == code]
        if ranks:
            counts[min(ranks)] += 1
    return counts[0], counts[1], counts[2]


def by_mistake(models: Sequence[Judged]) -> list[tuple[str, ...]]:
    """A row per mistake.

    Models, failed, in between, worked, of these impaired; of the failed alarmed and named; of the
    worked alarmed, and of these impaired.
    """
    rows = []
    for mistake in dict.fromkeys(one.case.mistake for one in models):
        group = [one for one in models if one.case.mistake == mistake]
        failed = [one for one in group if one.outcome == FAILED]
        worked = [one for one in group if one.outcome == WORKED]
        alarmed = sum(bool(one.at(*LOUD)) for one in failed)
        loud = [one for one in worked if one.at(*LOUD)]
        rows.append(
            (
                mistake or "(none)",
                *map(str, (len(group), len(failed), len(group) - len(failed) - len(worked))),
                *map(str, (len(worked), sum(one.impaired for one in worked))),
                *map(str, (alarmed, sum(one.named for one in failed))),
                *map(str, (len(loud), sum(one.impaired for one in loud))),
            )
        )
    return rows
