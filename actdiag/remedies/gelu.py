"""Remedy: GELU, smooth, never saturated for positive inputs, and open for small negative ones."""

from __future__ import annotations

from actdiag.remedies.base import Arm, Remedy, Subject, fresh

_FUNCTIONS = ("relu", "relu6", "sigmoid", "tanh")


def apply(arm: Arm, subject: Subject) -> str:
    """Replace the hidden ReLUs, sigmoids and tanhs of the copy, modules and functions."""
    from torch import nn
    from torch.nn import functional as F

    from actdiag.remedies.surgery import replace_activations

    return f"GELU in place of {replace_activations(arm, subject.scan, _FUNCTIONS, nn.GELU, F.gelu)}"


REMEDY = Remedy(
    "gelu",
    "Use GELU in the hidden layers",
    apply,
    fresh,
    causes=("vanishing-gradients", "saturated-activations", "dead-relus"),
    codes=("ACT104", "ACT103"),
)
