"""Inputs of a function that torch reads, on their way into a site's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from actdiag.stats.picks import Bounds, picked
from actdiag.stats.pool import Waiting, copied, joined, register
from actdiag.stats.threads import one_thread
from actdiag.stats.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.layout import View
    from actdiag.stats.pool import Copy
    from actdiag.stats.sums import Sums
    from actdiag.stats.tables import Tables
    from actdiag.stats.thresholds import Beyond

# Slopes of smooth functions cost an exponential each; a mean needs fewer values than a quantile.
SLOPES = Bounds(512, 1 << 12)
# Numbers of either kind that may wait: 128 kB per site. Each call is some tensors besides.
MOST_NUMBERS, MOST_CALLS = 1 << 14, 64


class Entering:
    """Inputs and what is known of them until it is enough to be put into the table.

    Args:
        function: what they enter.
        tables: of inputs.
        careful: gives the table of what may hold NaN or Inf, or is on another device.
        add_slopes: takes in values and what each stands for; null where slopes are not asked for.
    """

    def __init__(
        self,
        function: ActivationFunction,
        tables: Tables,
        careful: Callable[[View], Tensor],
        add_slopes: Callable[[Tensor, Tensor], None] | None,
    ) -> None:
        self._thresholds, self._tables = Thresholds(function), tables
        self._careful, self._add_slopes = careful, add_slopes
        tables.before = self.release
        self._waiting: list[Waiting] = []
        self._calls: list[Beyond] = []
        self._by_unit = False  # whether theirs are units
        self._picks: list[tuple[Tensor, float]] = []  # and what each stands for
        self._picked = 0  # how many values that are

    def add(self, view: View, numbers: int | Tensor, known: Copy | None) -> None:
        """Count the inputs of one call; ``known`` are the same values, taken in as an output."""
        copy = known or copied(view)
        if copy is None or copy.view is None:
            self.settle()
            self._measure(view, numbers, None if copy is None else copy.sums)
            return
        register(self)
        self._waiting.append(Waiting(copy, numbers))

    def settle(self) -> None:
        """Measure the inputs that wait."""
        waiting, self._waiting = self._waiting, []
        with one_thread():
            for copy, numbers in joined(waiting):
                if copy.view is not None:
                    self._measure(copy.view, numbers, copy.sums)

    def _measure(self, view: View, numbers: int | Tensor, known: Sums | None) -> None:
        found = self._thresholds.count(view.values, known) if view.values.is_cpu else None
        if found is None:
            self._tables.add(self._careful(view), by_unit=view.by_unit)
        else:
            self._wait(found, by_unit=view.by_unit)
        if self._add_slopes is None:
            return
        every = view.values.numel()
        bounds = SLOPES if view.by_sample else Bounds(every, every)
        for piece in picked(view.values, bounds, numbers if view.by_sample else 0):
            values = piece.values.flatten()
            # Where all are picked they may be the memory of the input itself.
            self._picks.append((values.clone() if piece.weight == 1 else values, piece.weight))
            self._picked += len(values)
            if self._picked > MOST_NUMBERS or len(self._picks) >= MOST_CALLS:
                self._put_slopes()

    def _wait(self, found: Beyond, *, by_unit: bool) -> None:
        if self._calls and (len(self._calls[0].low), self._by_unit) != (len(found.low), by_unit):
            self._put()
        self._calls.append(found)
        self._by_unit = by_unit
        numbers = len(self._calls) * (2 + len(found.counts)) * len(found.low)
        if numbers > MOST_NUMBERS or len(self._calls) >= MOST_CALLS:
            self._put()

    def release(self) -> None:
        """Put what waits into the tables."""
        self.settle()
        self._put()

    def _put(self) -> None:
        calls, self._calls = self._calls, []
        if calls:
            many, *rows = self._thresholds.rows_of(calls)
            table = torch.stack((many, torch.zeros_like(many), *rows))
            self._tables.add(table, by_unit=self._by_unit)

    def settle_slopes(self) -> None:
        """Add the slopes at all picks that wait."""
        self.settle()
        with one_thread():
            self._put_slopes()

    def _put_slopes(self) -> None:
        picks, self._picks, self._picked = self._picks, [], 0
        if picks and self._add_slopes is not None:
            values = torch.cat([values for values, _ in picks]).double()
            weights = torch.cat(
                [torch.full_like(values, weight, dtype=torch.float64) for values, weight in picks]
            )
            seen = torch.isfinite(values)
            self._add_slopes(torch.where(seen, values, 0), weights * seen)
