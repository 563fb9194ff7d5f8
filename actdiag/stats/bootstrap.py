"""How sure a change of calibration is: the bootstrap over answers (Efron 1979)."""

from __future__ import annotations

import torch
from torch import Tensor

from actdiag.stats.calibration import BINS, bin_places

RESAMPLES = 500  # our choice: the ends of a 95 % interval then rest on a dozen resamples each
_AT_ONCE = 50
_ENDS = (0.025, 0.975)

Interval = tuple[float, float]


def change_intervals(
    before: Tensor, after: Tensor, labels: Tensor, *, seed: int = 0
) -> tuple[Interval, Interval]:
    """95 % intervals of the change of NLL and of ECE from one set of answers to another.

    Both are drawn together, answer by answer, so that what they share cancels out.

    Args:
        before: log-probabilities ``(answers, classes)``.
        after: the same, of the same answers after the change.
        labels: ``(answers,)`` of int64.
        seed: of the resamples.
    """
    answers = len(labels)
    gains = (before - after).gather(1, labels.unsqueeze(1)).squeeze(1).double()
    away = torch.cat((_away(before, labels), _away(after, labels)), dim=1)
    random = torch.Generator().manual_seed(seed)
    losses, errors = [], []
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = torch.randint(answers, (_AT_ONCE, answers), generator=random)
        counts = torch.zeros(_AT_ONCE, answers, dtype=torch.float64)
        counts.scatter_add_(1, drawn, torch.ones_like(counts))
        losses.append(counts @ gains / answers)
        first, second = torch.split((counts @ away).abs(), BINS, dim=1)
        errors.append((second.sum(1) - first.sum(1)) / answers)
    return _interval(torch.cat(losses)), _interval(torch.cat(errors))


def _away(log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """Confidence minus correctness of each answer, in the column of its bin: ``(answers, 15)``."""
    confidence, predicted = log_probabilities.exp().max(1)
    place = bin_places(confidence)
    away = torch.zeros(len(labels), BINS, dtype=torch.float64)
    gap = confidence.double() - (predicted == labels).double()
    return away.scatter_(1, place.unsqueeze(1), gap.unsqueeze(1))


def _interval(values: Tensor) -> Interval:
    low, high = values.quantile(torch.tensor(_ENDS, dtype=torch.float64)).tolist()
    return low, high
