"""What the rules on gradients share: the layers in the order of the forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actdiag.records import Scan, WeightStats

_LAYERS = frozenset({"linear", "conv", "recurrent", "attention"})
_MATRIX = 2


def layers(scan: Scan) -> list[WeightStats]:
    """Weight matrices and kernels whose gradient is known, in the order of the forward pass."""
    place: dict[str, int] = {}
    for index, site in enumerate(scan.sites):
        place.setdefault(site.module, index)
    found = [weight for weight in scan.weights if is_layer(weight) and weight.gradient is not None]
    return sorted(found, key=lambda weight: place.get(weight.module, len(place)))


def is_layer(weight: WeightStats) -> bool:
    """Whether it is the matrix or kernel of a linear, convolutional, recurrent, attention layer."""
    return weight.kind in _LAYERS and len(weight.shape) >= _MATRIX


def rms(weight: WeightStats) -> float:
    """Rms of the gradient; 0 where none arrives or none is finite."""
    return (weight.gradient.rms or 0.0) if weight.gradient is not None else 0.0


def basis(scan: Scan) -> str:
    """On what a claim about gradients rests, such as ``over 500 samples (cross-entropy)``."""
    gradients = scan.gradients
    if gradients is None:
        return ""
    return f"over {gradients.samples:,} samples ({gradients.loss})"
