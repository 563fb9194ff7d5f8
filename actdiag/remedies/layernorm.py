"""Remedy: layer normalisation (Ba et al. 2016) between layers and activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.remedies.base import Arm, Remedy, Subject, fresh

if TYPE_CHECKING:
    from torch import nn

    from actdiag.records import Site


def apply(arm: Arm, subject: Subject) -> str:
    """Put a layer norm behind every layer that goes straight into a hidden activation."""
    from actdiag.remedies.surgery import insert_norms

    return f"layer norm {insert_norms(arm, subject.scan, _norm)}"


def _norm(layer: Any, _site: Site) -> nn.Module:
    from torch import nn

    if isinstance(layer, nn.Linear):
        return nn.LayerNorm(layer.out_features)
    return nn.GroupNorm(1, layer.out_channels)  # a layer norm over channels and positions


REMEDY = Remedy(
    "layernorm",
    "Put layer norms between the layers and their activations",
    apply,
    fresh,
    causes=("vanishing-gradients", "exploding-activations"),
    codes=("ACT104", "ACT107", "ACT108"),
)
