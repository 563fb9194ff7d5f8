"""How many inputs of a function lie beyond its thresholds, by the fastest stock operations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from actdiag.stats.clean import MOST_IN_FLOAT32
from actdiag.stats.layout import columns, groups
from actdiag.stats.scratch import beside, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.sums import Sums


class Signs(NamedTuple):
    """Of values by unit: positive less negative ones, and those that are not zero."""

    balance: Tensor
    nonzero: Tensor


class Beyond(NamedTuple):
    """Of the inputs of one call, all finite, ``(units,)`` each.

    Attributes:
        many: how many there are of each unit.
        low: the least.
        high: the greatest.
        counts: how many lie below each of the lower thresholds and above each of the upper ones;
            signs where the threshold is 0.
    """

    many: int
    low: Tensor
    high: Tensor
    counts: tuple[Tensor | Signs, ...]


class Thresholds:
    """Where the regions of a function begin and end.

    Args:
        function: its saturated regions and its linear one are what is counted.
    """

    def __init__(self, function: ActivationFunction) -> None:
        self._saturated = function.saturated_below, function.saturated_above
        first, last = function.linear_region or (math.inf, -math.inf)
        self._linear = (first, last) if first <= last else None
        edges = self._linear or (-math.inf, math.inf)
        below, above = (
            {edge for edge in pair if edge is not None and math.isfinite(edge)}
            for pair in zip(self._saturated, edges, strict=True)
        )
        self._lower, self._upper = sorted(below), sorted(above)
        self._edges = [*self._lower, *self._upper]

    def count(self, values: Tensor, known: Sums | None) -> Beyond | None:
        """Of a view on the CPU ``(samples, units, *positions)``; null where one isn't finite.

        ``known`` are the sums of the same values, where they have been measured before.
        """
        told: list[Tensor | Signs | None] = [None] * len(self._edges)
        if known is not None:
            told = self._told_by(known)
        lower = [edge for edge, count in zip(self._lower, told, strict=False) if count is None]
        upper = [
            edge
            for edge, count in zip(self._upper, told[len(self._lower) :], strict=True)
            if count is None
        ]
        rows: list[Tensor] = []
        if known is None or lower or upper:
            parts = [_walk(part, lower, upper, extremes=known is None) for part in columns(values)]
            rows = [row[0] if len(row) == 1 else torch.cat(row) for row in zip(*parts, strict=True)]
        many = values.numel() // values.shape[1]
        if known is None:
            low, high, *rows = rows
            if not math.isfinite((low.sum() + high.sum()).item()):
                return None
        else:
            low, high = known.low, known.high
        left = iter(rows)
        return Beyond(many, low, high, tuple(next(left) if one is None else one for one in told))

    def _told_by(self, known: Sums) -> list[Tensor | Signs | None]:
        """What sums and extremes tell of each threshold; null where values must be compared."""
        signs, none = Signs(known.balance, known.nonzero), torch.zeros_like(known.low)
        least = known.low.min().item() if any(self._lower) else 0.0
        most = known.high.max().item() if any(self._upper) else 0.0
        below = [signs if edge == 0 else none if least >= edge else None for edge in self._lower]
        above = [signs if edge == 0 else none if most <= edge else None for edge in self._upper]
        return [*below, *above]

    def rows_of(self, calls: Sequence[Beyond]) -> tuple[Tensor, ...]:
        """Of several calls: many, below, above, linear, low and high, ``(units,)`` float64."""
        low = torch.stack([call.low for call in calls]).amin(0).double()
        high = torch.stack([call.high for call in calls]).amax(0).double()
        many, none = torch.full_like(low, sum(call.many for call in calls)), torch.zeros_like(low)
        signs = [-1] * len(self._lower) + [1] * len(self._upper)
        counts = [
            _added([call.counts[place] for call in calls], sign) for place, sign in enumerate(signs)
        ]
        below: dict[float | None, Tensor] = dict(zip(self._lower, counts, strict=False))
        above: dict[float | None, Tensor] = dict(
            zip(self._upper, counts[len(self._lower) :], strict=True)
        )
        linear = none
        if self._linear is not None:
            first, last = self._linear
            linear = many - below.get(first, none) - above.get(last, none)
        least, most = self._saturated
        return many, below.get(least, none), above.get(most, none), linear, low, high


def _walk(
    column: Tensor, lower: Sequence[float], upper: Sequence[float], *, extremes: bool
) -> list[Tensor]:
    """Least and greatest values, if asked for, and counts below and above thresholds."""
    found: list[Tensor] = []
    for block in (block for group in groups(column) for block in group):
        values = readable(block)
        outer = (0, *range(2, values.ndim))
        mask = beside("wide", values, values.dtype)
        rows = [values.amin(outer), values.amax(outer)] if extremes else []
        rows += [torch.lt(values, edge, out=mask).sum(outer) for edge in lower]
        rows += [torch.gt(values, edge, out=mask).sum(outer) for edge in upper]
        if not found:
            found = rows if column.numel() < MOST_IN_FLOAT32 else [row.double() for row in rows]
            continue
        if extremes:
            torch.minimum(found[0], rows[0], out=found[0])
            torch.maximum(found[1], rows[1], out=found[1])
        for place in range(2 * extremes, len(rows)):
            found[place].add_(rows[place])
    return found


def _added(counts: Sequence[Tensor | Signs], sign: int) -> Tensor:
    """Counts of several calls; of signs those of this sign."""
    found: Tensor | float = 0.0
    direct = [count for count in counts if isinstance(count, Tensor)]
    if direct:
        found = found + torch.stack(direct).sum(0, dtype=torch.float64)
    signs = [count for count in counts if isinstance(count, Signs)]
    if signs:
        balance = torch.stack([one.balance for one in signs]).sum(0, dtype=torch.float64)
        nonzero = torch.stack([one.nonzero for one in signs]).sum(0, dtype=torch.float64)
        found = found + (nonzero + sign * balance) / 2
    assert isinstance(found, Tensor)  # noqa: S101 - there is at least one call
    return found
