"""What torch found in several calls of a site, put into its tables at once.

Between two layers of a model caches are cold, and each operation of torch costs tens of
microseconds whatever it does: what can wait costs next to nothing when it is done for many calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from actdiag.stats.pool import Copy, Waiting, copied, joined, register
from actdiag.stats.sums import OF_SAMPLES, Sums, added, means_of, table_of
from actdiag.stats.threads import one_thread
from actdiag.stats.units import measure_clean, measure_with_care

if TYPE_CHECKING:
    from actdiag.stats.clean import Clean
    from actdiag.stats.layout import View
    from actdiag.stats.quantiles import Buckets
    from actdiag.stats.tables import Tables

# Numbers that may wait, in sums by unit and by sample and unit: each kind 128 kB per site. Each
# call is some tensors besides.
MOST_WAITING, MOST_CALLS = 1 << 14, 64
# Calls that are added up faster side by side than one to the other.
WORTH_STACKING = 4


class _Kind(NamedTuple):
    """What calls must have in common."""

    units: int
    by_unit: bool
    by_sample: bool
    positions: int  # of each sample; 0 where its mean is the value itself or not known
    dtype: torch.dtype  # of the extremes


class Deferred:
    """Outputs of a site and their sums on their way into its tables.

    Args:
        tables: of moments.
        samples: of the means of samples.

    Attributes:
        nan: how many NaN were measured.
    """

    def __init__(self, tables: Tables, samples: Tables) -> None:
        self.nan: Tensor | int = 0
        self._tables, self._samples = tables, samples
        tables.before = samples.before = self.release
        self._signed = False  # whether the last one had negative values
        self._waiting: list[Waiting] = []
        self._buckets: Buckets | None = None
        self._kind: _Kind | None = None
        self._running: Sums | None = None  # of calls that add up as they are
        self._near: list[Sums] = []  # such calls, where many may wait
        self._others: list[Sums] = []
        self._of_samples: list[Tensor] = []
        self._numbers = 0  # in them

    def add(self, view: View, numbers: int | Tensor, buckets: Buckets) -> Copy | None:
        """Take in the view of an output, of which some values go into buckets by its numbers.

        Gives what waits or was measured; null of what may hold NaN or Inf.
        """
        self._buckets, buckets.before = buckets, self.settle
        copy = copied(view)
        if copy is None:
            self.settle()
            return Copy(None, sums) if (sums := self._measure(view, numbers, buckets)) else None
        register(self)
        self._waiting.append(Waiting(copy, numbers))
        return copy

    def settle(self) -> None:
        """Measure the outputs that wait."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._buckets is not None:
            with one_thread():
                for copy, numbers in joined(waiting):
                    if copy.view is not None:
                        copy.sums = self._measure(copy.view, numbers, self._buckets)

    def _measure(self, view: View, numbers: int | Tensor, buckets: Buckets) -> Sums | None:
        clean = measure_clean(view, signed=self._signed)
        buckets.add(view.values, numbers)
        if clean is not None:
            self._signed = clean.sums.is_signed
            self._wait(view, clean)
            return clean.sums
        found = measure_with_care(view)
        self._tables.add(found.table, by_unit=view.by_unit)
        if found.samples is not None:
            self._samples.add(found.samples, by_unit=view.by_unit)
        self.nan = self.nan + found.nan
        return None

    def _wait(self, view: View, clean: Clean) -> None:
        sums, rows, near = clean
        positions = 0 if rows is None else sums.many // len(rows)
        units, dtype = len(sums.total), sums.low.dtype
        kind = _Kind(units, view.by_unit, view.by_sample, positions, dtype)
        if kind != self._kind:
            self._put()
            self._kind = kind
        if rows is not None and sums.shift is not None:
            self._samples.add(means_of(rows, positions, sums.shift), by_unit=view.by_unit)
        elif rows is not None:
            self._of_samples.append(rows)
            self._numbers += rows.numel()
            if self._numbers > MOST_WAITING or len(self._of_samples) >= MOST_CALLS:
                self._release_samples(kind)
        most = min(MOST_CALLS, MOST_WAITING // (len(Sums._fields) * units))
        if near and most < WORTH_STACKING:
            # What a call gave is known to others too, and stays as it is.
            self._running = sums.begun() if self._running is None else self._running.add_(sums)
            return
        (self._near if near else self._others).append(sums)
        if len(self._near) > most:
            self._near = [added(self._near)]
        if len(self._others) > most:
            self._put()

    def release(self) -> None:
        """Put what waits into the tables."""
        self.settle()
        self._put()

    def _put(self) -> None:
        """Put the sums into the tables."""
        kind, self._kind = self._kind, None
        if kind is None:
            return
        calls = [] if self._running is None else [self._running]
        calls += [added(self._near), *self._others] if self._near else self._others
        self._running, self._near, self._others = None, [], []
        self._release_samples(kind)
        table = table_of(calls)
        self._tables.add(table, by_unit=kind.by_unit)
        if kind.by_sample and not kind.positions:
            self._samples.add(table[OF_SAMPLES], by_unit=kind.by_unit)

    def _release_samples(self, kind: _Kind) -> None:
        rows, self._of_samples, self._numbers = self._of_samples, [], 0
        if rows:
            means = means_of(torch.cat(rows), kind.positions, None)
            self._samples.add(means, by_unit=kind.by_unit)
