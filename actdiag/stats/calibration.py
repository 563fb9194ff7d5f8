"""How far stated confidence is from being right, and the temperature that mends it.

Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from actdiag.records import ReliabilityBin

if TYPE_CHECKING:
    from torch import Tensor

BINS = 15
COOLEST, HOTTEST = 0.01, 1e15
_STEPS = 200
_CLOSE = 1e-12


def bin_sums(confidence: Tensor, correct: Tensor, bins: int = BINS) -> Tensor:
    """Count, summed confidence and number correct in equal-width bins: ``(3, bins)`` of float64.

    Sums of parts add up. A bin holds its upper edge, the first one also 0.
    """
    confidence = confidence.double()
    rows = torch.stack((torch.ones_like(confidence), confidence, correct.double()))
    sums = torch.zeros(3, bins, dtype=torch.float64)
    return sums.index_add_(1, bin_places(confidence, bins), rows)


def bin_places(confidence: Tensor, bins: int = BINS) -> Tensor:
    """The index of each confidence's bin, int64."""
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    return (torch.bucketize(confidence.double(), edges) - 1).clamp_(0, bins - 1)


def reliability(sums: Tensor) -> tuple[ReliabilityBin, ...]:
    """The bins of the reliability diagram from :func:`bin_sums`."""
    bins = sums.shape[1]
    return tuple(
        ReliabilityBin(
            low=index / bins,
            high=(index + 1) / bins,
            samples=int(count),
            confidence=confidence / count if count else None,
            accuracy=correct / count if count else None,
        )
        for index, (count, confidence, correct) in enumerate(sums.T.tolist())
    )


def calibration_gaps(sums: Tensor) -> Tensor:
    """The distance between mean confidence and accuracy in each bin; 0 in an empty one."""
    return (sums[1] - sums[2]).abs() / sums[0].clamp(min=1)


def error_of_bins(sums: Tensor) -> float | None:
    """Expected calibration error from :func:`bin_sums`; null of nothing."""
    total = sums[0].sum()
    return ((sums[1] - sums[2]).abs().sum() / total).item() if total else None


def expected_calibration_error(
    confidence: Tensor, correct: Tensor, *, bins: int = BINS, adaptive: bool = False
) -> float | None:
    """Mean distance between confidence and accuracy, weighted by the size of the bins.

    Args:
        confidence: largest probabilities, shape ``(answers,)``.
        correct: whether each answer is right, same shape.
        bins: number of bins.
        adaptive: bins of equal size instead of equal width (Nguyen and O'Connor 2015).
    """
    if not adaptive:
        return error_of_bins(bin_sums(confidence, correct, bins))
    if not len(confidence):
        return None
    order = confidence.double().argsort(stable=True)
    away = (confidence.double() - correct.double())[order]
    parts = torch.tensor_split(away, min(bins, len(away)))
    return sum(abs(part.sum().item()) for part in parts) / len(away)


def maximum_calibration_error(
    confidence: Tensor, correct: Tensor, *, bins: int = BINS
) -> float | None:
    """The largest distance between confidence and accuracy in any equal-width bin."""
    if not len(confidence):
        return None
    return calibration_gaps(bin_sums(confidence, correct, bins)).max().item()


def brier(probabilities: Tensor, labels: Tensor) -> float | None:
    """Mean squared distance between probabilities ``(answers, classes)`` and one-hot labels."""
    if not len(labels):
        return None
    return squared_distance(probabilities, labels).mean().item()


def squared_distance(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Squared distance of each row of probabilities from its one-hot label."""
    wide = probabilities.double()
    own = wide.gather(1, labels.unsqueeze(1)).squeeze(1)
    return (wide * wide).sum(1) - own * own + (1 - own) ** 2


def negative_log_likelihood(log_probabilities: Tensor, labels: Tensor) -> float | None:
    """Mean of minus the log-probability of the label, in nats; ``(answers, classes)``."""
    if not len(labels):
        return None
    return -log_probabilities.double().gather(1, labels.unsqueeze(1)).mean().item()


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature in [0.01, 1e15] that minimises the NLL of ``logits / temperature``.

    The NLL is convex in the inverse temperature b and its slope there is the mean over answers of
    E[z] - z_label, with E under softmax(bz): Newton's steps find the root, halving where they
    leave the bracket.

    Args:
        logits: ``(answers, classes)``, also log-probabilities.
        labels: ``(answers,)`` of int64 in range.
    """
    wide = logits.double() - logits.double().amax(1, keepdim=True)
    own = wide.gather(1, labels.unsqueeze(1)).squeeze(1)
    low, high, inverse = 1 / HOTTEST, 1 / COOLEST, 1.0
    for _ in range(_STEPS):
        shares = (inverse * wide).softmax(1)
        mean = (shares * wide).sum(1)
        slope = (mean - own).mean().item()
        bend = ((shares * wide * wide).sum(1) - mean * mean).mean().item()
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        if abs(slope) <= _CLOSE * inverse * bend or high - low <= _CLOSE * low:
            break
        step = inverse - slope / bend if bend > 0 else math.nan
        inverse = step if low < step < high else math.sqrt(low * high)
    return 1 / inverse
