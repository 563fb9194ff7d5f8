"""What became of a model under a remedy, beside a control."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from actdiag.records.about import DataInfo, ModelInfo, ToolInfo
from actdiag.records.document import to_json
from actdiag.records.words import SCHEMA_VERSION


class TrialVerdict(StrEnum):
    """What training with a remedy did, against the same training without it."""

    HELPS = "helps"
    NO_EFFECT = "no-effect"
    WORSE = "worse"
    NOT_APPLICABLE = "not-applicable"
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True)
class TrialArm:
    """One arm of a trial: trained with the remedy, or the control without it.

    Attributes:
        start: ``kept`` (the file's weights, trained on), ``fresh`` (drawn anew, then trained) or
            ``as-is`` (the file's weights, not trained).
        losses: held-out loss at the end, one per seed; null where it is not finite.
        scores: the same between 0 and 1, one per seed; see :class:`RemedyTrial`.
        accuracies: held-out accuracy, one per seed; empty for a regression.
        curve_steps: training steps at which the held-out loss was taken.
        curves: held-out losses at those steps, one row per seed; null where not finite.
        curve_losses: mean training loss since the point before, likewise; null at step 0.
    """

    start: str
    losses: tuple[float | None, ...] = ()
    scores: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    curve_steps: tuple[int, ...] = ()
    curves: tuple[tuple[float | None, ...], ...] = ()
    curve_losses: tuple[tuple[float | None, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RemedyTrial:
    """A remedy and what came of training with it.

    Attributes:
        change: what was changed on the copy, in the data or in the training.
        reason: why it was not applicable or not tried; for the others how the verdict came about.
        suggested_by: confirmed causes and rule codes that call for it; empty for one that was
            asked for, or tried because it is cheap.
        effect: mean over seeds of the treated score minus the control's. The score is
            exp(-NLL), the geometric mean of the probabilities given to the right labels, or for a
            regression 1 / (1 + MSE / variance of the labels): 1 is perfect, 0 the worst.
        low: lower end of the effect's 90 % interval over seeds (Student's t); null for one seed.
        high: its upper end.
        unsaveable: why the treated model cannot be written to a file; empty where it can.
    """

    remedy: str
    title: str
    verdict: TrialVerdict
    change: str = ""
    reason: str = ""
    suggested_by: tuple[str, ...] = ()
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    treated: TrialArm | None = None
    control: TrialArm | None = None
    unsaveable: str = ""


@dataclass(frozen=True, slots=True)
class TrialRecipe:
    """How both arms were trained.

    Attributes:
        metric: ``NLL`` in nats, or ``MSE``.
        split: which data trained and which judged.
        told_by: where optimizer and learning rate come from.
    """

    loss: str
    metric: str
    optimizer: str
    lr: float
    weight_decay: float
    momentum: float
    batch_size: int
    steps: int
    seeds: int
    train_samples: int
    judged_samples: int
    split: str
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """Remedies tried on a model, the most effective first.

    Attributes:
        answer: what to do first, in one sentence.
        first: the remedy that the answer names, or null.
        as_is: the model as it was, judged on the same samples, not trained.
        saved: where the treated model was written, or null.
        saved_remedy: with which remedy it was treated.
    """

    tool: ToolInfo
    model: ModelInfo
    data: DataInfo
    recipe: TrialRecipe
    trials: tuple[RemedyTrial, ...] = ()
    answer: str = ""
    first: str | None = None
    as_is: TrialArm | None = None
    saved: str | None = None
    saved_remedy: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON values, under the schema version of reports."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}
