"""Remedy: residual paths (He et al. 2016) around the layers that keep their shape."""

from __future__ import annotations

from actdiag.remedies.base import Arm, Remedy, Subject, fresh


def apply(arm: Arm, subject: Subject) -> str:
    """Add the input of each layer to what its activation gives."""
    from actdiag.remedies.surgery import add_residual_paths

    return f"residual paths {add_residual_paths(arm, subject.scan)}"


REMEDY = Remedy(
    "residual",
    "Lead residual paths around the hidden layers",
    apply,
    fresh,
    causes=("vanishing-gradients",),
    codes=("ACT104",),
)
