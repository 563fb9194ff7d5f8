"""Scores of one output against labels −1 and 1: the class is the side on which a score lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch

from actdiag.records import OutputStats
from actdiag.stats.kinds import IGNORED, MARGIN

if TYPE_CHECKING:
    from torch import Tensor

_MATRIX = 2
_CUTS = (0.0, 0.5)  # of a score that may be negative, and of one that lies between 0 and 1


def one_score_each(output: tuple[int, ...], labels: tuple[int, ...]) -> bool:
    """Whether an output of this shape gives a single number for each of labels of that shape."""
    if len(output) > 1 and output[-1] > 1 and len(labels) == len(output) == _MATRIX:
        return False  # several labels at once
    return output[-1:] == (1,) or len(labels) == len(output)


class Margins:
    """Counts of answers on either side, by their label, as long as every label is −1 or 1.

    Labels of two classes look like this, and so do targets of a regression until another one
    comes: then the counts are given up. Memory is eight numbers.
    """

    def __init__(self) -> None:
        self.counts = torch.zeros(len(_CUTS), 2, 2, dtype=torch.int64)
        self.others = False

    def add(self, output: Tensor, labels: Tensor) -> None:
        """Take in answers and their labels, of shapes that fit or not; -100 is left out."""
        if self.others or labels.is_complex():
            return
        if output.numel() != labels.numel() or not one_score_each(output.shape, labels.shape):
            self.others = True
            return
        scores, wanted = output.reshape(-1), labels.reshape(-1)
        self.others = not bool(((wanted == 1) | (wanted == -1) | (wanted == IGNORED)).all())
        known = torch.isfinite(scores) & (wanted != IGNORED)
        scores, positive = scores[known], (wanted[known] > 0).long()
        for row, cut in enumerate(_CUTS):
            cell = 2 * positive + (scores > cut)
            self.counts[row] += torch.bincount(cell, minlength=4).view(2, 2)

    def merge(self, other: Margins) -> None:
        """Take in all that another one has seen."""
        self.counts += other.counts
        self.others = self.others or other.others

    def state(self) -> dict[str, Any]:
        """What it has seen, for :meth:`from_state`."""
        return {"counts": self.counts.flatten().tolist(), "others": self.others}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """One that has seen the same."""
        found = cls()
        found.counts = torch.tensor(state["counts"], dtype=torch.int64).view_as(found.counts)
        found.others = state["others"]
        return found

    @property
    def told(self) -> bool:
        """Whether both labels were met, and no other."""
        return not self.others and bool(self.counts[0].sum(1).all())

    def filled_in(self, stats: OutputStats, low: float | None, high: float | None) -> OutputStats:
        """The record of a classifier, from that of the output as values or as probabilities.

        Scores from ``low`` to ``high`` that never leave 0 to 1 are taken for probabilities.
        """
        shares = low is not None and high is not None and 0 <= low <= high <= 1
        counts, total = self.counts[int(shares)], int(self.counts[0].sum())
        cut = "at 0.5, as probabilities are" if shares else "by the sign of the output"
        note = f"labels −1 and 1 were read as two classes, told apart {cut}"
        return OutputStats(
            kind=MARGIN,
            classes=2,
            shape=stats.shape,
            predictions=total,
            accuracy=int(counts.diagonal().sum()) / total,
            majority=int(counts.sum(1).max()) / total,
            predicted_classes=int((counts.sum(0) > 0).sum()),
            label_classes=2,
            between_sample_std=stats.between_sample_std,
            scale=stats.scale,
            label_min=stats.label_min,
            label_max=stats.label_max,
            label_shape=stats.label_shape,
            notes=(*stats.notes, note),
        )
