"""What to do first about a symptom, and against which of its causes that is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.diagnosis.base import harm_inside, works_inside
from actdiag.records import Severity
from actdiag.rules.harm import fails
from actdiag.rules.labels import SURE
from actdiag.rules.training import Age, age
from actdiag.steps.depth import percent, where_it_dies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actdiag.records import Finding, StepOutcome
    from actdiag.steps.base import Case

_EFFECTS = ("ACT105", "ACT106", "OUT201", "OUT205", "OUT206")  # seen first, but never the root
# What is judged by comes first, then what no training can mend, then what takes no training.
_FIRST = (
    "labels-numbered-otherwise",
    "targets-scaled-otherwise",
    "labels-of-other-samples",
    "wrong-output-activation",
    "unfit-norm-statistics",
)
_RARE = 0.8  # our choice: from here on one class throughout is what an ordinary loss rewards
_CAUSES = {
    "DAT701": ("unnormalised-input",),
    "INI401": ("bad-initialisation", "learning-rate-too-high"),
    "INI402": ("bad-initialisation",),
    "INI403": ("non-finite-weights",),
    "ACT101": ("dead-relus",),
    "ACT103": ("saturated-activations",),
    "ACT104": ("vanishing-gradients",),
    "ACT107": ("exploding-activations",),
    "ACT109": ("invalid-operation",),
}


@dataclass(frozen=True, slots=True)
class First:
    """What to do first; ``cause`` is the confirmed cause that it is against, empty without one."""

    advice: str
    cause: str = ""


def first_thing(
    case: Case,
    behind: list[Finding],
    confirmed: Mapping[str, str],
    outcomes: Mapping[str, StepOutcome],
) -> First:
    """Against the finding that explains most, else the first confirmed cause.

    ``confirmed`` holds the remedies of the confirmed causes, in the order of the card.
    """
    earliest = next(iter(confirmed), "")
    if earliest in _FIRST:
        return First(confirmed[earliest], earliest)
    root = _root(case, behind)
    if root is not None:
        named = (name for name in _CAUSES.get(root.code, ()) if name in confirmed)
        return First(root.remedy, next(named, earliest))
    for cause, remedy in confirmed.items():
        if remedy:
            return First(remedy, cause)
    return First(_without_a_cause(case, outcomes), earliest)


def _without_a_cause(case: Case, outcomes: Mapping[str, StepOutcome]) -> str:
    sound = works_inside(case.findings) and not case.found("DAT701")
    sound = sound and where_it_dies(case.scan) is None
    output = case.scan.output
    sure = sound and output is not None and (output.mean_confidence or 0) >= SURE  # by training
    fresh = age(case.scan) is Age.FRESH and not sure
    helped = next((item for item in outcomes.values() if item.outcome == "helps"), None)
    at_chance = fails(case.scan) and not fresh and sound  # less confidence would only hide that
    if helped is not None and not at_chance:
        return f"{helped.text}: it helped on a copy."
    if fresh:
        return "Train it first, or scan the trained checkpoint: these weights look untrained."
    collapsed = case.found("OUT205", at_least=Severity.WARNING)
    if sound and collapsed and output is not None and (output.majority or 0) >= _RARE:
        return f"{percent(output.majority)} of the labels are one class. {collapsed[0].remedy}"
    if sound:
        return (
            "Nothing inside the model explains it: check that the labels belong to these samples "
            "(order, encoding), and that the data is prepared as in training."
        )
    worst = next((one for one in harm_inside(case.findings) if not one.follows_from), None)
    if worst is not None and worst.severity is Severity.ERROR and worst.remedy:
        return f"No documented cause was confirmed. Begin with {worst.code}: {worst.remedy}"
    return "No documented cause was confirmed: begin with the layer named here."


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
