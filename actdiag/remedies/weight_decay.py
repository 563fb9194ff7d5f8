"""Remedy: decoupled weight decay (Loshchilov and Hutter 2019).

What decay does depends on how long it acts. A trial is short, so it decays by as much in all as
0.01 would over 100,000 steps at a rate of 1e-3: every weight without gradient by a factor of e.
"""

from __future__ import annotations

from actdiag.remedies.base import Arm, Remedy, Subject, kept_if_learned

_IN_ALL = 1.0  # our choice: 0.01 (PyTorch's AdamW) × 1e-3 × 100,000 steps


def apply(arm: Arm, _subject: Subject) -> str:
    """Shrink the weights a little at every step."""
    arm.decay = _IN_ALL / (arm.settings.lr * arm.settings.steps)
    return (
        f"weight decay of {arm.decay:.3g} for {arm.settings.steps} steps, in all as much as 0.01 "
        "for 100,000 steps at a rate of 0.001"
    )


REMEDY = Remedy(
    "weight-decay",
    "Train with weight decay",
    apply,
    kept_if_learned,
    causes=("over-fitting", "missing-regularisation"),
    codes=("OUT202", "OUT203"),
    cheap=True,
)
