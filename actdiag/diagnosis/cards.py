"""The problem cards, the most telling first: NaN, all the same, not learning, no gradient, sure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.diagnosis import confidence_causes as confidence
from actdiag.diagnosis import outside_causes as outside
from actdiag.diagnosis import signal_causes as signal
from actdiag.diagnosis import slope_causes as slopes
from actdiag.diagnosis.base import Card, CauseJudge, Symptom
from actdiag.records import Severity
from actdiag.rules.harm import fails, score_text
from actdiag.rules.training import Age, age
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
    collapsed = output.predicted_classes == 1 and (output.label_classes or 0) > 1
    if collapsed and fails(case.scan) and age(case.scan) is not Age.FRESH:
        text = (
            f"All {output.predictions:,} predictions are the same class; the labels use "
            f"{output.label_classes}."
        )
        return Symptom(text, measured)
    return None


def loss_nan(case: Case) -> Symptom | None:
    """The answer holds NaN or infinity."""
    finals = [site for site in case.scan.sites if site.is_final and site.stats.nonfinite]
    if not finals or not case.found("ACT109"):
        return None
    bad, all_values = finals[-1].stats.nonfinite, finals[-1].stats.elements
    text = (
        f"{bad:,} of {all_values:,} values of the model's answer are NaN or infinite: any loss "
        "computed from them is NaN."
    )
    return Symptom(text, {"nonfinite": bad, "elements": all_values})


def confident_but_wrong(case: Case) -> Symptom | None:
    """Confidence well above accuracy, or many confident mistakes."""
    found = [*case.found("OUT203", at_least=Severity.WARNING)]
    found += case.found("OUT202", at_least=Severity.WARNING)
    output = case.scan.output
    if not found or output is None or outputs_all_same(case) is not None:
        return None
    text = (
        f"Mean confidence {percent(output.mean_confidence)} at {percent(output.accuracy)} "
        f"accuracy; {percent(output.confident_wrong)} of {output.predictions:,} predictions are "
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
    if outputs_all_same(case) is not None or loss_nan(case) is not None:
        return None
    output = case.scan.output
    if fails(case.scan):
        by_heart = case.found("OUT211", at_least=Severity.WARNING)
        learned = " more than its training data" if by_heart else ""
        text = f"The model has not learned{learned}: {score_text(case.scan)}."
        if age(case.scan) is Age.FRESH:
            text += " Its weights look as an initialiser left them: was it trained at all?"
        return Symptom(text, {"accuracy": output.accuracy, "r2": output.r2} if output else {})
    judged = output is not None and (output.accuracy is not None or output.r2 is not None)
    blocking = [
        finding for code in _WILL_NOT_TRAIN for finding in case.found(code, at_least=Severity.ERROR)
    ]
    if judged or not blocking:
        return None
    text = f"In this state the model cannot learn: {blocking[0].message}"
    return Symptom(text, dict(blocking[0].measured))


def gradients_vanish(case: Case) -> Symptom | None:
    """The gradient was measured, and hardly any reaches the first layer."""
    found = case.found("GRD501", at_least=Severity.WARNING)
    if not found:
        return None
    named = ("first", "first_rms", "last", "last_rms", "samples")
    return Symptom(found[0].message, {name: found[0].measured.get(name) for name in named})


_UNNORMALISED = CauseJudge("unnormalised-input", signal.unnormalised_input, extra=True)
_DEAD = CauseJudge("dead-relus", signal.dead_relus)
_INITIALISATION = CauseJudge("bad-initialisation", signal.bad_initialisation)
_SATURATED = CauseJudge("saturated-activations", slopes.all_saturated)
_RATE = CauseJudge("learning-rate-too-high", signal.learning_rate_too_high, extra=True)
_EXPLODING = CauseJudge("exploding-activations", signal.exploding, extra=True)
_LABELS = (
    CauseJudge("labels-numbered-otherwise", confidence.numbered_otherwise, extra=True),
    CauseJudge("targets-scaled-otherwise", confidence.scaled_otherwise, extra=True),
    CauseJudge("labels-of-other-samples", confidence.labels_of_others, extra=True),
)
_END = CauseJudge("wrong-output-activation", outside.wrong_output, extra=True)
_NORMS = CauseJudge("unfit-norm-statistics", outside.unfit_norms, extra=True)
_VANISHING = CauseJudge("vanishing-gradients", slopes.vanishing_slope)
_SIGNAL_STEPS = (
    "check-statistics",
    "try-leaky-relu",
    "check-initialisation",
    "reduce-learning-rate",
    "normalise-inputs",
)
_SIGNAL_CODES: tuple[str, ...] = (
    "DAT701",
    "INI401",
    "INI402",
    "INI404",
    "ACT101",
    "ACT103",
    "ACT104",
)
_SIGNAL_CODES += ("ACT106", "ACT107", "ACT108", "ACT116", "GRD501")
_OUTSIDE = ("ACT117", "OUT210", "ARC604", "ARC605")

CARDS = (
    Card(
        "loss-nan",
        "Loss became NaN",
        loss_nan,
        (
            CauseJudge("invalid-operation", signal.invalid_operation),
            CauseJudge("non-finite-weights", signal.non_finite_weights),
            CauseJudge("exploding-activations", signal.exploding),
            _UNNORMALISED,
        ),
        ("check-statistics", "check-initialisation", "reduce-learning-rate", "normalise-inputs"),
        ("ACT109", "INI403", "DAT703", "ACT107"),
    ),
    Card(
        "outputs-all-same",
        "Model outputs all the same value",
        outputs_all_same,
        (
            _END,
            _NORMS,
            _UNNORMALISED,
            _DEAD,
            _INITIALISATION,
            _SATURATED,
            replace(_VANISHING, extra=True),
            _EXPLODING,
            _RATE,
        ),
        _SIGNAL_STEPS,
        ("OUT201", "OUT205", "OUT209", "ACT105", *_OUTSIDE, *_SIGNAL_CODES),
    ),
    Card(
        "not-learning",
        "Model isn't learning",
        not_learning,
        (
            *(*_LABELS, _END, _NORMS),
            *(_UNNORMALISED, _DEAD, _VANISHING, _SATURATED, _INITIALISATION, _EXPLODING, _RATE),
            CauseJudge("over-fitting", confidence.learnt_by_heart, extra=True),
        ),
        _SIGNAL_STEPS,
        ("DAT707", *_OUTSIDE, *_SIGNAL_CODES),
    ),
    Card(
        "gradients-vanish",
        "Gradients vanish",
        gradients_vanish,
        (_VANISHING, _SATURATED, _DEAD, _INITIALISATION, _UNNORMALISED),
        ("check-statistics", "try-leaky-relu", "check-initialisation", "normalise-inputs"),
        ("GRD501", "ACT104", "ACT103", "ACT101", "ACT108", "INI401", "INI402", "DAT701"),
    ),
    Card(
        "confident-but-wrong",
        "Model very confident but wrong",
        confident_but_wrong,
        (
            *(*_LABELS, _NORMS),
            CauseJudge("over-fitting", confidence.over_fitting),
            CauseJudge("missing-regularisation", confidence.missing_regularisation),
            CauseJudge("logits-too-large", confidence.logits_too_large),
            *(_EXPLODING, _UNNORMALISED),
        ),
        (
            "add-dropout",
            "label-smoothing",
            "temperature-scaling",
            "check-leakage",
            "check-overfitting",
            "check-regularisation",
        ),
        ("DAT701", "DAT707", "ACT117", "OUT202", "OUT203", "OUT204"),
    ),
)
