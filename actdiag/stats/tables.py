"""Tables of a site, merged a few at a time: it costs the same for two or fifty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# Numbers that may wait: a quarter of a megabyte per site.
MOST_WAITING = 1 << 15


class Tables:
    """A running merge of tables ``(rows, units)``.

    Tables whose units do not match in number have no units, so all of them become one.

    Args:
        merge: from ``(tables, rows, units)`` to one table.
        pool: from a table to one with a single unit.
        blank: from a number of units to the table of nothing, on the CPU.

    Attributes:
        before: brings what is still on its way into the tables; null where nothing is.
    """

    def __init__(
        self,
        merge: Callable[[Tensor], Tensor],
        pool: Callable[[Tensor], Tensor],
        blank: Callable[[int], Tensor],
    ) -> None:
        self.merge, self.pool, self.blank = merge, pool, blank
        self.waiting: list[Tensor] = []
        self.by_unit = False
        self.before: Callable[[], None] | None = None

    def add(self, table: Tensor, *, by_unit: bool) -> None:
        """Take in a table; ``by_unit`` says whether its columns are units at all."""
        settled = self.waiting[:1]
        if settled and (by_unit, table.shape) != (self.by_unit, settled[0].shape):
            table, by_unit = self.pool(table), False
            self.waiting = [self.pool(self.merge(torch.stack(self.waiting)))]
        self.by_unit = by_unit
        self.waiting.append(table.to(settled[0].device) if settled else table)
        if len(self.waiting) * table.numel() > MOST_WAITING:
            self._merge()

    def place(self, units: int, *, by_unit: bool) -> Tensor | None:
        """A table on the CPU to merge others into, in place; null where the units don't match."""
        if not self.waiting:
            self.waiting, self.by_unit = [self.blank(units)], by_unit
        table = self.settled()
        if table is None or by_unit != self.by_unit or table.shape[1] != units:
            return None
        return table if table.is_cpu and table.is_contiguous() else None

    def settled(self) -> Tensor | None:
        """The merge of all tables so far; null if there were none."""
        if self.before is not None:
            self.before()
        self._merge()
        return self.waiting[0] if self.waiting else None

    def _merge(self) -> None:
        if len(self.waiting) > 1:
            self.waiting = [self.merge(torch.stack(self.waiting))]

    def take_over(self, other: Tables) -> None:
        """Take in all tables of another."""
        table = other.settled()
        if table is not None:
            self.add(table.clone(), by_unit=other.by_unit)

    def state(self) -> dict[str, Any]:
        """The merge of all tables and whether its columns are units, for :meth:`restore`."""
        table = self.settled()
        return {"table": None if table is None else table.cpu(), "by_unit": self.by_unit}

    def restore(self, state: dict[str, Any]) -> None:
        """Take in what another one has seen."""
        if state["table"] is not None:
            self.add(state["table"].clone(), by_unit=state["by_unit"])
