"""From the scores of two arms to a verdict, and from verdicts to an order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import RemedyTrial, TrialVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 0.01  # our choice: a smaller change of the score is not worth changing anything for
_LEAST_OF_ONE = 0.05  # our choice, for a single seed, which shows no spread
_ALIKE = 0.5  # our choice: an effect of less than half the best is another class of remedy
# Student's t by degrees of freedom, 5 % at either end: whether it helps is a one-sided question.
_T90 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833)
MOST_SEEDS = len(_T90) + 1


def effect_of(
    treated: Sequence[float], control: Sequence[float]
) -> tuple[float, float | None, float | None]:
    """Mean paired difference of scores, and its 90 % interval over seeds; null for one seed."""
    pairs = zip(treated, control, strict=False)  # doubtful ones were given more seeds than others
    differences = [one - other for one, other in pairs]
    mean = math.fsum(differences) / len(differences)
    if len(differences) == 1:
        return mean, None, None
    squares = math.fsum((value - mean) ** 2 for value in differences)
    error = math.sqrt(squares / (len(differences) - 1) / len(differences))
    half = _T90[len(differences) - 2] * error
    return mean, mean - half, mean + half


def verdict_of(effect: float, low: float | None, high: float | None) -> TrialVerdict:
    """Helps or worse where the interval leaves out 0 and the change is worth it."""
    if low is None or high is None:
        low, high, least = effect, effect, _LEAST_OF_ONE
    else:
        least = LEAST
    if effect >= least and low > 0:
        return TrialVerdict.HELPS
    if effect <= -least and high < 0:
        return TrialVerdict.WORSE
    return TrialVerdict.NO_EFFECT


def doubtful(trial: RemedyTrial) -> bool:
    """Whether more seeds should tell: an effect worth having, in an interval that holds 0."""
    if trial.effect is None or trial.low is None or trial.high is None:
        return False
    return abs(trial.effect) >= _LEAST_OF_ONE and trial.low <= 0 <= trial.high


def ranked(trials: Sequence[RemedyTrial]) -> tuple[RemedyTrial, ...]:
    """The trials, best first: by verdict, then by how good the treated model is.

    Controls differ: what draws dead units anew has an easy one in the dead network, and may still
    end below what trains well from the start. So it is not the effect that ranks remedies which
    help. Those whose difference has an interval that holds 0 are not told apart: among them what a
    confirmed cause or a finding calls for goes first, in the order in which they were tried.
    The others stand by their effect, those without one last.
    """
    rest = [trial for trial in trials if trial.effect is not None]
    done: list[RemedyTrial] = []
    group = [trial for trial in rest if trial.verdict is TrialVerdict.HELPS]
    while group:
        best = _first_of(group)
        alike = [trial for trial in group if trial is best or _alike(best, trial)]
        done += sorted(alike, key=lambda trial: not trial.suggested_by)
        group = [trial for trial in group if trial not in alike]
    for verdict in (TrialVerdict.NO_EFFECT, TrialVerdict.WORSE):
        others = (trial for trial in rest if trial.verdict is verdict)
        done += sorted(others, key=lambda trial: -(trial.effect or 0.0))
    return (*done, *(trial for trial in trials if trial.effect is None))


def _first_of(group: Sequence[RemedyTrial]) -> RemedyTrial:
    """The one that leads furthest; one that is called for, if its effect is half as large."""
    best = max(group, key=_reached)
    called_for = [trial for trial in group if trial.suggested_by and not _small(trial, best)]
    return max(called_for, key=_reached) if called_for and not best.suggested_by else best


def _reached(trial: RemedyTrial) -> float:
    """Mean score of the treated model."""
    scores = trial.treated.scores if trial.treated is not None else ()
    return math.fsum(scores) / len(scores) if scores else 0.0


def _alike(best: RemedyTrial, other: RemedyTrial) -> bool:
    if best.treated is None or other.treated is None or _small(other, best):
        return False
    _, low, high = effect_of(best.treated.scores, other.treated.scores)
    return low is not None and high is not None and low <= 0 <= high


def _small(trial: RemedyTrial, beside: RemedyTrial) -> bool:
    """Whether its effect is of another class than that of the one beside it."""
    return (trial.effect or 0.0) < _ALIKE * (beside.effect or 0.0)
