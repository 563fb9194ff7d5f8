"""Debug step: check for data leakage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actdiag.records import Outcome, TrainingData
from actdiag.steps.base import Case, Result, Step, needs, not_applicable
from actdiag.steps.depth import percent

if TYPE_CHECKING:
    from actdiag.records import OutputStats

_HARMFUL = 0.01  # our choice: one shared sample in a hundred already moves an accuracy
_Z = 1.959964  # of the normal distribution, 95 % in the middle


def wilson(share: float, answers: int) -> tuple[float, float]:
    """The 95 % interval of a share that was seen in ``answers`` answers (Wilson 1927)."""
    centre = share + _Z**2 / (2 * answers)
    half = _Z * math.sqrt(share * (1 - share) / answers + (_Z / (2 * answers)) ** 2)
    scale = 1 + _Z**2 / answers
    low, high = (centre - half) / scale, (centre + half) / scale
    return low if share > 0 else 0.0, high if share < 1 else 1.0


def carry_out(case: Case) -> Result:
    """Look for samples of the data that stand in the training data, value for value or nearly.

    What rests on them is told by the accuracy on the others.
    """
    if case.scan.data.synthetic:
        return not_applicable("The input is synthetic.")
    train = case.scan.training_data
    if train is None:
        return needs("Needs the training data: --train-data FILE.")
    measured: dict[str, Any] = {
        "samples": train.judged,
        "training_samples": train.samples,
        "shared": train.shared,
        "label_conflicts": train.label_conflicts + train.near_conflicts,
        "repeated": train.repeated,
        "near": train.near,
        "near_searched": [train.near_judged, train.near_known],
        "near_expected": train.near_natural * train.near_judged,
    }
    doubles = train.shared + (train.near or 0)
    if not doubles:
        text = f"None of {train.judged:,} samples is among the {train.samples:,} training samples"
        return Result(Outcome.NO_EFFECT, f"{text}{_not_even_near(train)}.", measured)
    text = f"{_counted(train)}{_under_another_label(train)}{_natural(train)}."
    rests, numbers = _rests(case.scan.output, train, doubles)
    measured |= numbers
    harmful = doubles >= _HARMFUL * train.judged
    advice = " Take them out and judge again." if harmful and not numbers else ""
    return Result(
        Outcome.DONE if harmful else Outcome.NO_EFFECT, f"{text}{rests}{advice}", measured
    )


def _not_even_near(train: TrainingData) -> str:
    if train.near is None:
        return ", value for value"
    return f", not even nearly ({_searched(train)})"


def _searched(train: TrainingData) -> str:
    bounded = train.near_judged < train.judged - train.shared or train.near_known < train.samples
    searched = f"{train.near_judged:,} were compared with {train.near_known:,}"
    return f"{searched}, drawn at random" if bounded else searched


def _counted(train: TrainingData) -> str:
    text = (
        f"{train.shared:,} of {train.judged:,} samples ({percent(train.shared / train.judged)}) "
        "are training samples, value for value"
    )
    if not train.near:
        return text
    return (
        f"{text}; {train.near:,} more lie within a fifth of the usual distance of one "
        f"({_searched(train)})"
    )


def _under_another_label(train: TrainingData) -> str:
    conflicts = train.label_conflicts + train.near_conflicts
    return f"; {conflicts:,} of them stand there under another label" if conflicts else ""


def _natural(train: TrainingData) -> str:
    if not train.near or not train.near_natural:
        return ""
    return f"; {percent(train.near_natural)} of the training samples lie as close to each other"


def _rests(
    output: OutputStats | None, train: TrainingData, doubles: int
) -> tuple[str, dict[str, Any]]:
    """How much of the accuracy rests on them: a sentence, and its numbers."""
    if output is None or output.accuracy is None:
        return "", {}
    if train.unseen_accuracy is None or not train.unseen:
        alone = doubles >= train.judged
        return (" The accuracy rests on them alone." if alone else ""), {}
    low, high = wilson(train.unseen_accuracy, train.unseen)
    told = (
        f" Accuracy {percent(output.accuracy)} on all, {percent(train.unseen_accuracy)} on the "
        f"{train.unseen:,} others (95 %: {percent(low)} to {percent(high)}): "
    )
    points = 100 * (output.accuracy - train.unseen_accuracy)
    if low <= output.accuracy <= high:
        told += "no clear difference."
    elif points > 0:
        told += f"{points:.1f} points rest on them; the second is what to believe."
    else:
        told += f"they lower it by {-points:.1f} points; their labels may be wrong."
    return told, {
        "accuracy": output.accuracy,
        "unseen": train.unseen,
        "unseen_accuracy": train.unseen_accuracy,
        "unseen_interval": [low, high],
    }


STEP = Step("check-leakage", "Check for data leakage", carry_out)
