"""A bounded random sample of labelled answers, and the temperature fitted on half of it."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from actdiag.records import Pairing, TemperatureFit
from actdiag.stats.bootstrap import change_intervals
from actdiag.stats.calibration import (
    brier,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
)
from actdiag.stats.pairing import pairing
from actdiag.stats.ranks import mixed

MOST_ROWS = 20_000
MOST_NUMBERS = 1 << 22
# Fewer say nothing about a temperature. Our choice.
FEWEST_ROWS = 20


class KeptRows:
    """The rows whose number in the feed has the smallest hashes: the same however it is batched.

    Args:
        seed: of the hash.
        most: how many rows are kept; fewer where there are many classes.
    """

    def __init__(self, seed: int = 0, most: int = MOST_ROWS) -> None:
        self.seed, self.most = seed, most
        self.rank = torch.empty(0, dtype=torch.int64)
        self.rows: Tensor | None = None
        self.labels = torch.empty(0, dtype=torch.int64)

    def add(self, number: Tensor, rows: Tensor, labels: Tensor) -> None:
        """Offer rows of log-probabilities ``(answers, classes)`` with their numbers and labels."""
        self._take(mixed(number + (self.seed << 40)), rows, labels)

    def merge(self, other: KeptRows) -> None:
        """Take over the rows that another one has kept."""
        if other.rows is not None:
            self._take(other.rank, other.rows, other.labels)

    def state(self) -> dict[str, Any]:
        """What is kept, for :meth:`from_state`."""
        return {"seed": self.seed, "rank": self.rank, "rows": self.rows, "labels": self.labels}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """One that has kept the same."""
        found = cls(state["seed"])
        found.rank, found.rows, found.labels = state["rank"], state["rows"], state["labels"]
        return found

    def _take(self, rank: Tensor, rows: Tensor, labels: Tensor) -> None:
        limit = min(self.most, MOST_NUMBERS // rows.shape[1])
        if len(self.rank) >= limit:
            better = rank < self.rank[-1]
            rank, rows, labels = rank[better], rows[better], labels[better]
        rows = rows.float()
        every = torch.cat((self.rank, rank))
        self.rank, order = every.sort(stable=True)
        self.rank, order = self.rank[:limit], order[:limit]
        self.rows = (rows if self.rows is None else torch.cat((self.rows, rows)))[order]
        self.labels = torch.cat((self.labels, labels))[order]

    def pairing(self) -> Pairing | None:
        """The best pairing of labels and outputs; null where there are fewer than 20 answers."""
        if self.rows is None or len(self.labels) < FEWEST_ROWS:
            return None
        return pairing(self.labels, self.rows.argmax(1), self.rows.shape[1])

    def temperature(self) -> TemperatureFit | None:
        """Fit on every second row, judge on the others; null where there are fewer than 20."""
        if self.rows is None or len(self.labels) < FEWEST_ROWS:
            return None
        temperature = fit_temperature(self.rows[::2], self.labels[::2])
        judged, labels = self.rows[1::2].double(), self.labels[1::2]
        before = F.log_softmax(judged, dim=1)
        after = F.log_softmax(judged / temperature, dim=1)
        nll_change, ece_change = change_intervals(before, after, labels, seed=self.seed)
        return TemperatureFit(
            temperature=temperature,
            samples_fitted=len(self.labels) - len(labels),
            samples_judged=len(labels),
            nll_before=negative_log_likelihood(before, labels) or 0.0,
            nll_after=negative_log_likelihood(after, labels) or 0.0,
            ece_before=_error(before, labels),
            ece_after=_error(after, labels),
            brier_before=brier(before.exp(), labels),
            brier_after=brier(after.exp(), labels),
            accuracy_before=_accuracy(before, labels),
            accuracy_after=_accuracy(after, labels),
            nll_change=nll_change,
            ece_change=ece_change,
        )


def _accuracy(log_probabilities: Tensor, labels: Tensor) -> float:
    return (log_probabilities.argmax(1) == labels).double().mean().item()


def _error(log_probabilities: Tensor, labels: Tensor) -> float:
    confidence, predicted = log_probabilities.exp().max(1)
    return expected_calibration_error(confidence, predicted == labels) or 0.0
