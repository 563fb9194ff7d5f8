"""Small running statistics of an output: range, spread between samples, fit of a regression."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import torch

from actdiag.records import Agreement
from actdiag.stats.layout import arrange
from actdiag.stats.moments import Row, combined, pooled, spread
from actdiag.stats.picks import even_stride
from actdiag.stats.units import measure

if TYPE_CHECKING:
    from torch import Tensor

# Outputs per sample that are followed one by one; of more, an evenly scattered part.
WIDEST = 1 << 16


class Moments:
    """Moments of each column of rows that arrive in batches, ``(rows, columns)``."""

    def __init__(self) -> None:
        self.table: Tensor | None = None
        self.rows = 0
        self.width: int | None = None
        self.changed = False

    def add(self, rows: Tensor) -> None:
        """Take in rows; after rows of another width the columns are no longer known."""
        if not rows.numel():
            return
        self.width = self.width or rows.shape[1]
        self.changed = self.changed or self.width != rows.shape[1]
        if self.changed:
            return
        if self.width > WIDEST:
            rows = rows[:, :: even_stride(self.width, WIDEST)]
        self.rows += len(rows)
        table = measure(arrange(rows, unit_axis=1, sample_axis=0, samples=len(rows))).table
        self.table = table if self.table is None else combined(torch.stack((self.table, table)))

    def merge(self, other: Moments) -> None:
        """Take in all that another one has seen."""
        self.width = self.width or other.width
        differs = other.width is not None and other.width != self.width
        self.changed = self.changed or other.changed or differs
        if self.changed or other.table is None:
            return
        self.rows += other.rows
        tables = [table for table in (self.table, other.table) if table is not None]
        self.table = combined(torch.stack(tables))

    def state(self) -> dict[str, Any]:
        """What it has seen, for :meth:`from_state`."""
        return {
            "table": self.table,
            "rows": self.rows,
            "width": self.width,
            "changed": self.changed,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """One that has seen the same."""
        found = cls()
        found.table, found.rows = state["table"], state["rows"]
        found.width, found.changed = state["width"], state["changed"]
        return found

    def extremes_and_rms(self) -> tuple[float | None, float | None, float | None]:
        """Least, greatest and root mean square of all values; null where there are none."""
        if self.table is None or self.changed or not self.table[Row.COUNT].any():
            return None, None, None
        whole = pooled(self.table)
        rms = math.hypot(whole[Row.MEAN].item(), spread(whole).item())
        low, high = whole[Row.LOW].item(), whole[Row.HIGH].item()
        return low, high, rms if math.isfinite(rms) else None

    def rms_of_std(self) -> float | None:
        """Root of the mean variance of the columns; null with fewer than two rows."""
        if self.table is None or self.changed or self.table[Row.COUNT].max() <= 1:
            return None
        value = (spread(self.table) ** 2).mean().sqrt().item()
        return value if math.isfinite(value) else None


class Fit:
    """How well values agree with numeric labels."""

    def __init__(self) -> None:
        self.values, self.labels, self.errors = Moments(), Moments(), Moments()

    def add(self, values: Tensor, labels: Tensor) -> None:
        """Take in values and labels, both ``(samples, outputs)`` of float64."""
        if values.shape[1] > WIDEST:
            every = even_stride(values.shape[1], WIDEST)
            values, labels = values[:, ::every], labels[:, ::every]
        self.values.add(values)
        self.labels.add(labels)
        self.errors.add(values - labels)

    def merge(self, other: Fit) -> None:
        """Take in all that another one has seen."""
        for own, its in zip(self._moments(), other._moments(), strict=True):
            own.merge(its)

    def state(self) -> dict[str, Any]:
        """What it has seen, for :meth:`from_state`."""
        values, labels, errors = (one.state() for one in self._moments())
        return {"values": values, "labels": labels, "errors": errors}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """One that has seen the same."""
        found = cls()
        for name in ("values", "labels", "errors"):
            setattr(found, name, Moments.from_state(state[name]))
        return found

    def _moments(self) -> tuple[Moments, Moments, Moments]:
        return self.values, self.labels, self.errors

    def r2(self) -> float | None:
        """Coefficient of determination, all outputs together; null where the labels are equal."""
        wanted, errors = self.labels.table, self.errors.table
        if wanted is None or errors is None or self.labels.changed:
            return None
        total = (wanted[Row.COUNT] * spread(wanted) ** 2).sum().item()
        missed = (errors[Row.SQUARES] + errors[Row.COUNT] * errors[Row.MEAN] ** 2).sum().item()
        value = 1 - missed / total if total > 0 else math.nan
        return value if math.isfinite(value) else None

    def agreement(self) -> Agreement | None:
        """Correlation and likeness of spread, all outputs together; null where either is constant.

        The variance of a difference is the sum of the variances less twice the covariance.
        """
        tables = [one.table for one in self._moments() if not one.changed and one.table is not None]
        if len(tables) < len(self._moments()):
            return None
        own, wanted, apart = ((spread(table) ** 2).sum().item() for table in tables)
        if not (own > 0 and wanted > 0):
            return None
        offset = (tables[-1][Row.MEAN] ** 2).sum().item() / wanted
        correlation = (own + wanted - apart) / (2 * math.sqrt(own * wanted))
        if not (math.isfinite(correlation) and math.isfinite(offset)):
            return None
        inside = max(-1.0, min(1.0, correlation))
        return Agreement(inside, math.sqrt(own / wanted), math.sqrt(offset))
