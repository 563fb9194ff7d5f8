"""Moments of the finite values of a tensor that may hold NaN and Inf, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from actdiag.stats.devices import accumulator_device
from actdiag.stats.layout import as_float, groups
from actdiag.stats.moments import Measured, chan, combined, combined_means

if TYPE_CHECKING:
    from torch import Tensor


class Sums(NamedTuple):
    """One block's table, count and sum of the finite values per sample and unit, and its NaN."""

    table: Tensor
    seen: Tensor
    total: Tensor
    nan: Tensor


def careful_moments(column: Tensor, *, spans: bool) -> Measured:
    """Moments of a view ``(samples, units, *positions)``; NaN and Inf are counted and left out.

    ``spans`` asks for the means of samples that have more than one value per unit.
    """
    device = accumulator_device(column.device)
    tables: list[Tensor] = []
    samples = None
    nan: Tensor | int = 0
    for blocks in groups(column):
        found = [_sums(as_float(block.to(device))) for block in blocks]
        tables += [part.table for part in found]
        if len(tables) > 1:
            tables = [combined(torch.stack(tables))]
        nan = nan + sum(part.nan for part in found)
        if spans:
            means = _sample_means(found)
            samples = means if samples is None else combined_means(torch.stack((samples, means)))
    if not tables:
        raise ValueError("an empty tensor has no moments")
    return Measured(tables[0], samples, nan)


def _sums(values: Tensor) -> Sums:
    """Those of one block, by few operations: on an accelerator each waits for its turn."""
    inner, outer = tuple(range(2, values.ndim)), (0, *range(2, values.ndim))
    clean, finite = told_apart(values)
    wide = clean.double()
    seen, total = (finite.sum(inner), wide.sum(inner)) if inner else (finite, wide)
    count = seen.sum(0)
    counted = count.clamp(min=1)
    nonfinite = values.numel() // values.shape[1] - count
    absolute = torch.linalg.vector_norm(wide, 1, outer)
    mean = total.sum(0) / counted
    away = torch.where(finite, wide - mean.view(1, -1, *(1,) * len(inner)), 0)
    rows = (
        count,
        nonfinite,
        torch.eq(clean, 0).sum(outer) - nonfinite,
        torch.gt(clean, 0).sum(outer),
        absolute,
        mean,
        away.sum(outer) / counted,
        torch.linalg.vector_norm(away, 2, outer).square(),
        *extremes(values, outer),
    )
    return Sums(torch.stack([row.double() for row in rows]), seen, total, values.isnan().sum())


def told_apart(values: Tensor) -> tuple[Tensor, Tensor]:
    """Values with zeros in place of NaN and Inf, and a mask of the finite ones."""
    clean = values.nan_to_num(0.0, 0.0, 0.0)
    return clean, torch.eq(clean, values)


def extremes(values: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The least and the greatest finite value along axes; inf and -inf where there is none."""
    low, high = (values.nan_to_num(end, end, end) for end in (torch.inf, -torch.inf))
    return low.amin(axes), high.amax(axes)


def _sample_means(blocks: list[Sums]) -> Tensor:
    """Rows count, mean, rest and squared distances of the means of the samples in these blocks."""
    first, *others = blocks
    count = sum((block.seen for block in others), first.seen)
    mean = sum((block.total for block in others), first.total) / count.clamp(min=1)
    seen = (count > 0).double()
    none = torch.zeros_like(mean)
    return torch.stack((seen.sum(0), *chan(seen, mean, none, none)))
