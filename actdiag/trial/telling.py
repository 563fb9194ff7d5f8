"""What came of a trial, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag import text
from actdiag.records import Severity
from actdiag.steps.depth import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.records import RemedyTrial, Report, Trial, TrialArm
    from actdiag.remedies.objective import Objective

_CLEAR = 0.05  # our choice: of the score; less is no reason to speak of it


def advice_of(report: Report) -> str:
    """What the scan advises: against its first diagnosis, else its first loud finding."""
    if report.diagnoses:
        return report.diagnoses[0].advice
    loud = (item for item in report.findings if item.severity is not Severity.INFO)
    return next((item.remedy for item in loud if item.remedy), "")


def answer_of(trial: Trial, first: RemedyTrial | None, advice: str) -> str:
    """What to do first, in a sentence or two; the scan's ``advice`` where nothing helps."""
    done = [item for item in trial.trials if item.effect is not None]
    if first is not None and first.treated is not None and first.control is not None:
        how = {
            "fresh": " and train again from fresh weights",
            "kept": " and train on",
            "as-is": "",
        }[first.treated.start]
        other = {
            "fresh": "the same training from fresh weights without it",
            "kept": "training on without it",
            "as-is": "the model as it is",
        }[first.control.start]
        how = "" if first.remedy.endswith("-init") or "train" in first.title.lower() else how
        return (
            f"{first.title}{how}: held-out {trial.recipe.metric} {shown(first.control)} → "
            f"{shown(first.treated)}, against {other}."
        )
    if not done:
        none = "Nothing could be compared: no remedy was applicable, or there was no time for one."
        return f"{none} What the scan advises: {advice}" if advice else none
    some = "the remedy that was tried" if len(done) == 1 else f"any of the {len(done)} remedies"
    answer = f"Nothing of this first: {some} made no clear improvement over the control."
    return f"{answer} What the scan advises: {advice}" if advice else answer


def uncalled(first: RemedyTrial | None, advice: str) -> list[str]:
    """A note with the scan's advice, where the best remedy is none that the scan called for."""
    if first is None or first.suggested_by or not advice:
        return []
    return [f"The scan did not call for {first.remedy}. What it advises: {advice}"]


def notes_of(trials: Sequence[RemedyTrial], as_is: TrialArm, objective: Objective) -> list[str]:
    """Say so where training anew, without any remedy, is what makes the difference."""
    fresh = next((t.control for t in trials if t.control and t.control.start == "fresh"), None)
    if fresh is None or _mean(fresh.scores) - _mean(as_is.scores) < _CLEAR:
        return []
    note = (
        f"Training from fresh weights with this recipe, without any remedy, already gives "
        f"{objective.metric} {shown(fresh)}; the model as it is: {shown(as_is)}. What these "
        "weights were trained with (rate, duration, data) may be what is wrong."
    )
    return [note]


def shown(arm: TrialArm) -> str:
    """The mean held-out loss over seeds, with the accuracy of a classifier."""
    known = [loss for loss in arm.losses if loss is not None]
    loss = number(_mean(known)) if len(known) == len(arm.losses) else "NaN or infinite"
    return f"{loss} ({text.percent(_mean(arm.accuracies))} right)" if arm.accuracies else loss


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
