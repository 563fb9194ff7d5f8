"""What the values of each unit of a tensor add up to, and the table that several such make."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from actdiag.stats.moments import Row, chan, shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

OF_SAMPLES = [Row.COUNT, Row.MEAN, Row.REST, Row.SQUARES]


class Sums(NamedTuple):
    """Sums over the values of each unit, all finite; vectors ``(units,)``.

    Attributes:
        many: values of each unit.
        total: sum of the values less the shift, float64.
        absolute: sum of their sizes, float64.
        squares: sum of the squares of the values less the shift, float64.
        balance: how many are positive less how many are negative.
        nonzero: how many are not zero.
        low: the least.
        high: the greatest.
        shift: what was subtracted; null for nothing.
    """

    many: int
    total: Tensor
    absolute: Tensor
    squares: Tensor
    balance: Tensor
    nonzero: Tensor
    low: Tensor
    high: Tensor
    shift: Tensor | None = None

    @property
    def is_signed(self) -> bool:
        """Whether there may be negative values; else the sizes of values are the values."""
        return self.absolute is not self.total

    def widened(self) -> Sums:
        """The same with counts in float64."""
        balance = self.balance.double()
        nonzero = self.nonzero.double() if self.is_signed else balance
        return self._replace(balance=balance, nonzero=nonzero)

    def begun(self) -> Sums:
        """A copy that those of any number of tensors can be added to."""
        total, balance = self.total.clone(), self.balance.to(torch.float64, copy=True)
        return self._replace(
            total=total,
            absolute=self.absolute.clone() if self.is_signed else total,
            squares=self.squares.clone(),
            balance=balance,
            nonzero=self.nonzero.to(torch.float64, copy=True) if self.is_signed else balance,
            low=self.low.clone(),
            high=self.high.clone(),
        )

    def add_(self, other: Sums) -> Sums:
        """Take in those of another block of the same units, in place."""
        found = self
        if other.is_signed and not self.is_signed:
            found = self._replace(absolute=self.total.clone(), nonzero=self.balance.clone())
        found.total.add_(other.total)
        found.squares.add_(other.squares)
        found.balance.add_(other.balance)
        if found.is_signed:
            found.absolute.add_(other.absolute)
            found.nonzero.add_(other.nonzero)
        torch.minimum(found.low, other.low, out=found.low)
        torch.maximum(found.high, other.high, out=found.high)
        return found._replace(many=self.many + other.many)


def added(parts: Sequence[Sums]) -> Sums:
    """Sums of several tensors of the same units, none of them shifted."""
    if len(parts) == 1:
        return parts[0]
    total, absolute, squares = _stacked([part[1:4] for part in parts]).sum(1)
    balance, nonzero = _stacked([part[4:6] for part in parts]).sum(1, dtype=torch.float64)
    low, high = _stacked([part[6:8] for part in parts])
    many = sum(part.many for part in parts)
    low, high = low.amin(0), high.amax(0)
    return Sums(many, total, absolute, squares, balance, nonzero, low, high)


def beside_each_other(parts: Sequence[Sums]) -> Sums:
    """Sums of ranges of units as those of all units."""
    if len(parts) == 1:
        return parts[0]
    vectors = map(torch.cat, zip(*(part[1:8] for part in parts), strict=True))
    found = Sums._make((parts[0].many, *vectors, None))
    if all(part.shift is None for part in parts):
        return found
    return found._replace(shift=torch.cat([_shift(part) for part in parts]))


def table_of(calls: Sequence[Sums]) -> Tensor:
    """What several tensors of the same units add up to, as a table of :class:`Row`."""
    total, absolute, squares = _stacked([call[1:4] for call in calls])
    balance, nonzero = _stacked([call[4:6] for call in calls]).sum(1, dtype=torch.float64)
    low, high = _stacked([call[6:8] for call in calls])
    counts = total.new_tensor([call.many for call in calls]).unsqueeze(1)
    away = total / counts
    squares = (squares - total * away).clamp_(min=0).masked_fill_(low == high, 0)
    mean, rest = away, torch.zeros_like(away)
    if any(call.shift is not None for call in calls):
        mean, rest = shifted(torch.stack([_shift(call) for call in calls]), away)
    merged = (mean[0], rest[0], squares[0])
    if len(calls) > 1:
        merged = chan(counts.expand_as(mean), mean, rest, squares)
    count = sum(call.many for call in calls)
    rows = (
        torch.full_like(nonzero, count),
        torch.zeros_like(nonzero),
        count - nonzero,
        (nonzero + balance) / 2,
        absolute.sum(0),
        *merged,
        low.amin(0),
        high.amax(0),
    )
    return torch.stack(rows)


def means_of(sums: Tensor, positions: int, shift: Tensor | None) -> Tensor:
    """Rows count, mean, rest and squared distances of the samples' means.

    Args:
        sums: of the values of each sample, less the shift, ``(samples, units)``.
        positions: how many values of a unit each sample has.
        shift: what was subtracted from each value, ``(units,)``; null for nothing.
    """
    means = sums / positions
    pivot = means[0].clone()
    means -= pivot
    total = means.sum(0)
    away = total / len(sums)
    squares = (means.mul_(means).sum(0) - total * away).clamp_(min=0)
    mean, rest = away + pivot, torch.zeros_like(away)
    if shift is not None:
        mean, rest = shifted(shift, mean)
    return torch.stack((torch.full_like(away, len(sums)), mean, rest, squares))


def _stacked(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """From ``(parts, kinds)`` vectors to a tensor ``(kinds, parts, units)``."""
    vectors = [row[kind] for kind in range(len(rows[0])) for row in rows]
    return torch.stack(vectors).view(len(rows[0]), len(rows), -1)


def _shift(part: Sums) -> Tensor:
    return torch.zeros_like(part.total) if part.shift is None else part.shift
