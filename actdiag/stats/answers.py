"""Running totals over a classifier's answers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import torch

from actdiag.records import Mistake
from actdiag.stats.calibration import (
    BINS,
    bin_sums,
    error_of_bins,
    reliability,
    squared_distance,
)
from actdiag.stats.kept import KeptRows

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.records import OutputStats

# Guo et al. plot confidence in these regions; the numbers are those of RULES.md (OUT203, OUT204).
CONFIDENT = 0.9
EXTREME = 0.999
WORST = 20
_SUMS = (
    *("rows", "labelled", "extreme", "correct", "confident_wrong"),
    *("confidence", "entropy", "gap", "nll", "brier"),
    *("predicted", "labels", "bins"),
)


class Answers:
    """Totals of a classifier's answers, labelled or not. Every sum is over rows.

    Args:
        classes: number of classes, at least two for a binary output.
        seed: of the sample that is kept to fit a temperature.
    """

    def __init__(self, classes: int, seed: int = 0) -> None:
        self.classes = classes
        self.rows = self.labelled = self.extreme = self.correct = self.confident_wrong = 0
        self.confidence = self.entropy = self.gap = self.nll = self.brier = 0.0
        self.predicted = torch.zeros(classes, dtype=torch.int64)
        self.labels = torch.zeros(classes, dtype=torch.int64)
        self.bins = torch.zeros(3, BINS, dtype=torch.float64)
        self.worst: list[Mistake] = []
        self.kept = KeptRows(seed)

    def add(self, logs: Tensor, labels: Tensor | None, number: Tensor, sample: Tensor) -> None:
        """Count answers.

        Args:
            logs: log-probabilities, ``(answers, classes)`` of float64.
            labels: int64 in range, or -1 where an answer has none.
            number: one of its own for each answer of the whole feed.
            sample: the index of its sample in the whole feed.
        """
        shares = logs.exp()
        confidence, predicted = shares.max(1)
        self.rows += len(logs)
        self.predicted += torch.bincount(predicted, minlength=self.classes)
        self.confidence += confidence.sum().item()
        self.extreme += int((confidence >= EXTREME).sum())
        self.entropy += torch.special.entr(shares).sum().item()
        if self.classes > 1:
            top = logs.topk(2, dim=1).values
            self.gap += (top[:, 0] - top[:, 1]).sum().item()
        if labels is None:
            return
        own = labels >= 0
        if bool(own.any()):
            self._add_labelled(logs[own], shares[own], labels[own], number[own], sample[own])

    def _add_labelled(
        self, logs: Tensor, shares: Tensor, labels: Tensor, number: Tensor, sample: Tensor
    ) -> None:
        confidence, predicted = shares.max(1)
        right = predicted == labels
        self.labelled += len(labels)
        self.labels += torch.bincount(labels, minlength=self.classes)
        self.correct += int(right.sum())
        self.confident_wrong += int((~right & (confidence >= CONFIDENT)).sum())
        self.nll -= logs.gather(1, labels.unsqueeze(1)).sum().item()
        self.brier += squared_distance(shares, labels).sum().item()
        self.bins += bin_sums(confidence, right)
        self.kept.add(number, logs, labels)
        wrong = (~right).nonzero().squeeze(1)
        wrong = wrong[confidence[wrong].argsort(descending=True, stable=True)[:WORST]]
        columns = (sample, labels, predicted, confidence)
        found = [Mistake(*row) for row in zip(*(c[wrong].tolist() for c in columns), strict=True)]
        self._note_worst(found)

    def _note_worst(self, found: list[Mistake]) -> None:
        every = [*self.worst, *found]
        self.worst = sorted(every, key=lambda one: (-one.confidence, one.sample))[:WORST]

    def merge(self, other: Answers) -> None:
        """Take in all that another one has seen of answers with as many classes."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._note_worst(other.worst)
        self.kept.merge(other.kept)

    def state(self) -> dict[str, Any]:
        """What it has seen, for :meth:`from_state`."""
        sums = {name: getattr(self, name) for name in _SUMS}
        worst = [[one.sample, one.label, one.predicted, one.confidence] for one in self.worst]
        return {"classes": self.classes, **sums, "worst": worst, "kept": self.kept.state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """One that has seen the same."""
        found = cls(state["classes"])
        for name in _SUMS:
            setattr(found, name, state[name])
        found.worst = [Mistake(*one) for one in state["worst"]]
        found.kept = KeptRows.from_state(state["kept"])
        return found

    def filled_in(self, stats: OutputStats, *, gap: bool) -> OutputStats:
        """The record with what a classifier's answers tell; ``gap``: whether logits are known."""
        if not self.rows:
            return replace(stats, classes=self.classes)
        stats = replace(
            stats,
            classes=self.classes,
            predicted_classes=int((self.predicted > 0).sum()),
            mean_confidence=self.confidence / self.rows,
            extreme=self.extreme / self.rows,
            entropy_fraction=self._entropy_fraction(),
            logit_gap=self.gap / self.rows if gap and self.classes > 1 else None,
        )
        if not self.labelled:
            return stats
        return replace(
            stats,
            accuracy=self.correct / self.labelled,
            majority=int(self.labels.max()) / self.labelled,
            label_classes=int((self.labels > 0).sum()),
            confident_wrong=self.confident_wrong / self.labelled,
            ece=error_of_bins(self.bins),
            nll=self.nll / self.labelled,
            brier=self.brier / self.labelled,
            temperature=self.kept.temperature(),
            pairing=self.kept.pairing(),
            reliability=reliability(self.bins),
            worst=tuple(self.worst),
        )

    def _entropy_fraction(self) -> float | None:
        """Mean entropy over that of the uniform answer; null for a single class."""
        if self.classes == 1:
            return None
        return min(max(self.entropy / self.rows / math.log(self.classes), 0.0), 1.0)
