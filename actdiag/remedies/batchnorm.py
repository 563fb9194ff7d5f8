"""Remedy: batch normalisation (Ioffe and Szegedy 2015) between layers and activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.remedies.base import Arm, Remedy, Subject, fresh

if TYPE_CHECKING:
    from torch import nn

    from actdiag.records import Site

_PLAIN = 2  # (samples, features)


def apply(arm: Arm, subject: Subject) -> str:
    """Put a batch norm behind every layer that goes straight into a hidden activation."""
    from actdiag.remedies.surgery import insert_norms

    return f"batch norm {insert_norms(arm, subject.scan, _norm)}"


def _norm(layer: Any, site: Site) -> nn.Module | None:
    from torch import nn

    if isinstance(layer, nn.Linear):  # behind a linear layer over tokens the axes are others
        return nn.BatchNorm1d(layer.out_features) if len(site.shape) == _PLAIN else None
    norms = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}
    return norms[type(layer)](layer.out_channels)


REMEDY = Remedy(
    "batchnorm",
    "Put batch norms between the layers and their activations",
    apply,
    fresh,
    causes=("vanishing-gradients", "exploding-activations"),
    codes=("ACT104", "ACT107", "ACT108"),
)
