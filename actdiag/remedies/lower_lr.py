"""Remedy: a tenth of the learning rate. What a high rate has killed is drawn anew in both arms."""

from __future__ import annotations

from dataclasses import replace

from actdiag.remedies.base import Arm, Remedy, Start, Subject, kept_if_learned

_FACTOR = 0.1  # the step "reduce the learning rate" names a tenth


def start(subject: Subject) -> Start:
    """Fresh where units are dead, for a dead unit has no gradient at any rate."""
    return Start.FRESH if "ACT101" in subject.codes else kept_if_learned(subject)


def apply(arm: Arm, _subject: Subject) -> str:
    """Train at a tenth of the rate."""
    rate = arm.settings.lr
    arm.settings = replace(arm.settings, lr=rate * _FACTOR)
    return f"learning rate {rate:g} → {rate * _FACTOR:g}"


REMEDY = Remedy(
    "lower-lr",
    "Train at a tenth of the learning rate",
    apply,
    start,
    causes=("learning-rate-too-high", "dead-relus", "non-finite-weights", "exploding-activations"),
    codes=("ACT101", "INI403"),
    cheap=True,
)
