"""Remedy: Xavier initialisation (Glorot and Bengio 2010), the scale for tanh and sigmoid layers.

Its control starts where that of ``he-init`` does.
"""

from __future__ import annotations

from actdiag.remedies.base import Arm, Remedy, Subject, fresh
from actdiag.remedies.he_init import control_start, drawn


def apply(arm: Arm, _subject: Subject) -> str:
    """Draw every linear and convolution weight of the copy by Xavier's scheme; biases become 0."""
    return drawn(arm, "xavier")


REMEDY = Remedy(
    "xavier-init",
    "Initialise with Xavier's scheme (nn.init.xavier_normal_)",
    apply,
    fresh,
    control_start=control_start,
    causes=("bad-initialisation", "non-finite-weights", "saturated-activations"),
    codes=("INI401", "INI402", "INI403"),
    suits=lambda subject: "xavier" in subject.schemes,
)
