"""Remedy: LeakyReLU, whose slope of 0.01 lets gradient through where a ReLU is dead."""

from __future__ import annotations

from actdiag.remedies.base import Arm, Remedy, Subject, fresh

_FUNCTIONS = ("relu", "relu6", "sigmoid", "tanh")


def apply(arm: Arm, subject: Subject) -> str:
    """Replace the hidden ReLUs, sigmoids and tanhs of the copy, modules and functions."""
    from torch import nn
    from torch.nn import functional as F

    from actdiag.remedies.surgery import replace_activations

    told = replace_activations(arm, subject.scan, _FUNCTIONS, nn.LeakyReLU, F.leaky_relu)
    return f"LeakyReLU(0.01) in place of {told}"


REMEDY = Remedy(
    "leaky-relu",
    "Use LeakyReLU(0.01) in the hidden layers",
    apply,
    fresh,
    causes=("dead-relus", "vanishing-gradients"),
    codes=("ACT101", "ACT104"),
)
