"""Remedy: label smoothing (Szegedy et al. 2016), which sets the logits a finite goal."""

from __future__ import annotations

from actdiag.remedies.base import Arm, NotApplicableError, Remedy, Subject, kept_if_learned
from actdiag.steps.label_smoothing import SMOOTHING


def apply(arm: Arm, subject: Subject) -> str:
    """Smooth the labels of the training loss; what is judged by stays as it is."""
    if subject.kind == "values":
        raise NotApplicableError("It is a regression: there are no classes to smooth.")
    arm.smoothing = SMOOTHING
    return f"label smoothing of {SMOOTHING} in the training loss"


REMEDY = Remedy(
    "label-smoothing",
    "Train with label smoothing (CrossEntropyLoss(label_smoothing=0.1))",
    apply,
    kept_if_learned,
    causes=("over-fitting", "logits-too-large"),
    codes=("OUT202", "OUT203", "OUT204"),
    cheap=True,
)
