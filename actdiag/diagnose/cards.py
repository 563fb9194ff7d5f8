"""The problem cards: all outputs the same, confident but wrong, not learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.diagnose import confidence_causes as confidence
from actdiag.diagnose import signal_causes as signal
from actdiag.diagnose.base import Card, CauseJudge, Symptom
from actdiag.records import Severity
from actdiag.rules.harm import fails, score_text
from actdiag.steps.depth import number, percent

if TYPE_CHECKING:
    from actdiag.steps.base import Case

_WILL_NOT_TRAIN = ("ACT109", "ACT101", "ACT103", "ACT106", "ACT107", "INI401", "INI402")


def outputs_all_same(case: Case) -> Symptom | None:
    """The outputs do not vary, or one class is predicted for everything."""
    output = case.scan.output
    constant = case.found("OUT201", at_least=Severity.WARNING)
    if output is None:
        return None
    measured = {
        "predictions": output.predictions,
        "between_sample_std": output.between_sample_std,
        "scale": output.scale,
        "predicted_classes": output.predicted_classes,
        "label_classes": output.label_classes,
        "accuracy": output.accuracy,
    }
    if constant:
        return Symptom(constant[0].message, measured)
    if output.predicted_classes == 1 and (output.label_classes or 0) > 1 and fails(case.scan):
        text = (
            f"All {output.predictions} predictions are the same class; the labels use "
            f"{output.label_classes}."
        )
        return Symptom(text, measured)
    return None


def confident_but_wrong(case: Case) -> Symptom | None:
    """Confidence well above accuracy, or many confident mistakes."""
    found = [*case.found("OUT203", at_least=Severity.WARNING)]
    found += case.found("OUT202", at_least=Severity.WARNING)
    output = case.scan.output
    if not found or output is None or outputs_all_same(case) is not None:
        return None
    text = (
        f"Mean confidence {percent(output.mean_confidence)} at {percent(output.accuracy)} "
        f"accuracy; {percent(output.confident_wrong)} of {output.predictions} predictions are "
        f"wrong with confidence of 90 % or more (ECE {number(output.ece)})."
    )
    measured = {
        "mean_confidence": output.mean_confidence,
        "accuracy": output.accuracy,
        "confident_wrong": output.confident_wrong,
        "ece": output.ece,
    }
    return Symptom(text, measured)


def not_learning(case: Case) -> Symptom | None:
    """Labels show that it answers no better than chance, or what was found forbids learning."""
    if outputs_all_same(case) is not None:
        return None
    output = case.scan.output
    if fails(case.scan):
        text = f"The model has not learned: {score_text(case.scan)}."
        return Symptom(text, {"accuracy": output.accuracy, "r2": output.r2} if output else {})
    judged = output is not None and (output.accuracy is not None or output.r2 is not None)
    blocking = [
        finding for code in _WILL_NOT_TRAIN for finding in case.found(code, at_least=Severity.ERROR)
    ]
    if judged or not blocking:
        return None
    text = f"In this state the model cannot learn: {blocking[0].message}"
    return Symptom(text, dict(blocking[0].measured))


_UNNORMALISED = CauseJudge("unnormalised-input", signal.unnormalised_input, extra=True)
_DEAD = CauseJudge("dead-relus", signal.dead_relus)
_INITIALISATION = CauseJudge("bad-initialisation", signal.bad_initialisation)
_SATURATED = CauseJudge("saturated-activations", signal.all_saturated)
_EXPLODING = CauseJudge("exploding-activations", signal.exploding, extra=True)
_VANISHING = CauseJudge("vanishing-gradients", signal.vanishing_slope)

CARDS = (
    Card(
        "outputs-all-same",
        "Model outputs all the same value",
        outputs_all_same,
        (
            _UNNORMALISED,
            _DEAD,
            _INITIALISATION,
            _SATURATED,
            CauseJudge("vanishing-gradients", signal.vanishing_slope, extra=True),
            _EXPLODING,
        ),
        (
            "check-statistics",
            "try-leaky-relu",
            "check-initialisation",
            "reduce-learning-rate",
            "normalise-inputs",
        ),
        ("OUT201", "OUT205", "DAT701", "ACT101", "ACT103", "ACT106", "ACT107", "ACT109"),
    ),
    Card(
        "confident-but-wrong",
        "Model very confident but wrong",
        confident_but_wrong,
        (
            CauseJudge("over-fitting", confidence.over_fitting),
            CauseJudge("missing-regularisation", confidence.missing_regularisation),
            CauseJudge("logits-too-large", confidence.logits_too_large),
        ),
        (
            "add-dropout",
            "label-smoothing",
            "temperature-scaling",
            "check-leakage",
            "check-overfitting",
            "check-regularisation",
        ),
        ("OUT202", "OUT203", "OUT204"),
    ),
    Card(
        "not-learning",
        "Model isn't learning",
        not_learning,
        (_UNNORMALISED, _DEAD, _VANISHING, _SATURATED, _INITIALISATION, _EXPLODING),
        (
            "check-statistics",
            "try-leaky-relu",
            "check-initialisation",
            "reduce-learning-rate",
            "normalise-inputs",
        ),
        ("DAT701", "ACT101", "ACT103", "ACT104", "ACT106", "ACT107", "ACT109", "INI401", "INI402"),
    ),
)
