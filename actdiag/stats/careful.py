"""Moments of the finite values of a tensor that may hold NaN and Inf, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from actdiag.stats.layout import as_float, groups
from actdiag.stats.moments import Measured, accumulator_device, chan, combined, combined_means

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
    table = samples = None
    nan: Tensor | int = 0
    for blocks in groups(column):
        found = [_sums(as_float(block.to(device))) for block in blocks]
        tables = [part.table for part in found]
        table = combined(torch.stack(tables if table is None else [table, *tables]))
        nan = nan + sum(part.nan for part in found)
        if spans:
            means = _sample_means(found)
            samples = means if samples is None else combined_means(torch.stack((samples, means)))
    if table is None:
        raise ValueError("an empty tensor has no moments")
    return Measured(table, samples, nan)


def _sums(values: Tensor) -> Sums:
    inner, outer = tuple(range(2, values.ndim)), (0, *range(2, values.ndim))
    finite = torch.isfinite(values)
    wide = torch.where(finite, values, 0).double()
    seen = finite.double()
    total, count = (wide.sum(inner), seen.sum(inner)) if inner else (wide, seen)
    counted = count.sum(0)
    mean = total.sum(0) / counted.clamp(min=1)
    away = (wide - mean.view(1, -1, *(1,) * len(inner))) * seen
    rows = (
        counted,
        values.numel() // values.shape[1] - counted,
        ((values == 0) & finite).double().sum(outer),
        ((values > 0) & finite).double().sum(outer),
        wide.abs().sum(outer),
        mean,
        away.sum(outer) / counted.clamp(min=1),
        (away * away).sum(outer),
        torch.where(finite, values, torch.inf).amin(outer).double(),
        torch.where(finite, values, -torch.inf).amax(outer).double(),
    )
    return Sums(torch.stack(rows), count, total, torch.isnan(values).sum())


def _sample_means(blocks: list[Sums]) -> Tensor:
    """Rows count, mean, rest and squared distances of the means of the samples in these blocks."""
    count = torch.stack([block.seen for block in blocks]).sum(0)
    mean = torch.stack([block.total for block in blocks]).sum(0) / count.clamp(min=1)
    seen = (count > 0).double()
    none = torch.zeros_like(mean)
    return torch.stack((seen.sum(0), *chan(seen, mean, none, none)))
