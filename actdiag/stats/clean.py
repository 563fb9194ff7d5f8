"""Moments of finite values on the CPU, by the fastest stock operations.

Each block is widened to float64 once, and every operation on it overwrites its buffer. Sums of
squares cost no digits as long as the mean is not far from zero by the measure of the standard
deviation; where it turns out to be, a second walk adds up the values shifted. The sign of a value
in a float32 buffer tells of zeros and positive values twelve times faster than boolean sums do, and
exactly, for a block is far smaller than 2^24. Between two layers of a model the first call of each
operation costs tens of microseconds, so there are few of them, and what they found is put into a
table later, that of several calls at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from actdiag.stats.layout import columns, groups
from actdiag.stats.scratch import beside, readable
from actdiag.stats.sums import Sums, beside_each_other

if TYPE_CHECKING:
    from torch import Tensor

# Squared distance of the mean from the shift, in variances: costs 4 of float64's 16 digits.
FARTHEST = 1e4
# The same where sums of any number of tensors are added up: costs 2.
NEAR = 1e2
MOST_IN_FLOAT32 = 1 << 24  # whole numbers


class Clean(NamedTuple):
    """What was found in a tensor.

    Attributes:
        sums: of all values.
        of_samples: sums of each sample ``(samples, units)``; null where not asked for.
        near: whether no unit's mean is far from zero by the measure of its standard deviation.
    """

    sums: Sums
    of_samples: Tensor | None
    near: bool


def clean_sums(values: Tensor, *, spans: bool, signed: bool = False) -> Clean | None:
    """Sums of a view ``(samples, units, *positions)``; null where a value isn't finite.

    ``spans`` asks for those of each sample, that has more than one value per unit. ``signed``
    says that negative values are to be expected, so that nothing is lost by not looking for one.
    """
    found = []
    for column in columns(values):
        part = _of_column(column, spans=spans, signed=signed)
        if part is None:
            return None
        found.append(part)
    if len(found) == 1:
        return found[0]
    sums = beside_each_other([part.sums for part in found])
    near = all(part.near for part in found)
    if not spans:
        return Clean(sums, None, near)
    rows = [part.of_samples for part in found if part.of_samples is not None]
    return Clean(sums, torch.cat(rows, dim=1), near)


def _of_column(column: Tensor, *, spans: bool, signed: bool) -> Clean | None:
    sums, of_samples = _walk(column, spans=spans, signed=signed)
    near = torch.addcmul(sums.squares, sums.total, sums.total, value=-(1 + 1 / NEAR) / sums.many)
    if near.min().item() >= 0:  # not where there is a NaN
        return Clean(sums, of_samples, near=True)
    if not math.isfinite(sums.total.sum().item()):
        return None
    mean = sums.total / sums.many
    squares = sums.squares - sums.total * mean
    far = sums.many * mean * mean > FARTHEST * squares
    if not (far & (sums.low < sums.high)).any().item():  # equal values have no deviation
        return Clean(sums, of_samples, near=False)
    total, squares, of_samples = _walk_again(column, mean, spans=spans)
    return Clean(sums._replace(total=total, squares=squares, shift=mean), of_samples, near=False)


def _walk(column: Tensor, *, spans: bool, signed: bool) -> tuple[Sums, Tensor | None]:
    found: Sums | None = None
    of_samples: list[Tensor] = []
    for blocks in groups(column):
        seen: Tensor | None = None
        for block in blocks:
            part, own = _of_block(readable(block), signed=signed, spans=spans)
            signed = part.is_signed
            if found is None:
                found = part if column.numel() < MOST_IN_FLOAT32 else part.widened()
            else:
                found = found.add_(part)
            if own is not None:
                seen = own if seen is None else seen.add_(own)
        if seen is not None:
            of_samples.append(seen)
    if found is None:
        raise ValueError("an empty tensor has no moments")
    rows = None if not spans else of_samples[0] if len(of_samples) == 1 else torch.cat(of_samples)
    return found, rows


def _of_block(values: Tensor, *, signed: bool, spans: bool) -> tuple[Sums, Tensor | None]:
    """Sums of a block; ``signed`` where negative values are to be expected."""
    outer = (0, *range(2, values.ndim))
    low, high = values.amin(outer), values.amax(outer)
    signed = signed or not low.min().item() >= 0
    signs = torch.sign(values, out=beside("wide", values, values.dtype))
    balance = signs.sum(outer)
    nonzero = signs.abs_().sum(outer) if signed else balance
    wide = beside("wide", values, torch.float64).copy_(values)
    of_samples, total = _totals(wide, spans=spans)
    absolute = wide.abs_().sum(outer) if signed else total
    squares = wide.mul_(wide).sum(outer)
    count = values.numel() // values.shape[1]
    return Sums(count, total, absolute, squares, balance, nonzero, low, high), of_samples


def _totals(wide: Tensor, *, spans: bool) -> tuple[Tensor | None, Tensor]:
    """Sums of each sample, if asked for, and of all."""
    if not spans:
        return None, wide.sum((0, *range(2, wide.ndim)))
    of_samples = wide.sum(tuple(range(2, wide.ndim)))
    return of_samples, of_samples.sum(0)


def _walk_again(
    column: Tensor, shift: Tensor, *, spans: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Sums of the values less a shift ``(units,)``, of their squares, and those of each sample."""
    total, squares = torch.zeros_like(shift), torch.zeros_like(shift)
    of_samples: list[Tensor] = []
    taken = shift.view(1, -1, *(1,) * (column.ndim - 2))
    for blocks in groups(column):
        seen: Tensor | None = None
        for block in blocks:
            values = readable(block)
            wide = beside("wide", values, torch.float64).copy_(values).sub_(taken)
            own, part = _totals(wide, spans=spans)
            total += part
            squares += wide.mul_(wide).sum((0, *range(2, wide.ndim)))
            if own is not None:
                seen = own if seen is None else seen + own
        if seen is not None:
            of_samples.append(seen)
    return total, squares, torch.cat(of_samples) if spans else None
