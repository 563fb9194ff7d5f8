"""The inputs of an activation function: their range, and where on the function they fall."""

from __future__ import annotations

import math
from copy import copy
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import torch

from actdiag.stats.layout import as_float, columns, groups
from actdiag.stats.moments import accumulator_device
from actdiag.stats.picks import picked

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.layout import View

# Slopes of smooth functions cost an exponential each; a mean needs fewer values than a quantile.
SLOPES_PER_SAMPLE = 512


class InputRow(IntEnum):
    """What each row of a table of inputs holds; counts are of values below, above and so on."""

    COUNT = 0
    NONFINITE = 1
    BELOW = 2
    ABOVE = 3
    LINEAR = 4
    LOW = 5
    HIGH = 6


class Inputs:
    """Counts per unit of where the inputs of a function lie, and the sum of its slopes there.

    Args:
        view: the first inputs, for their width and device; they are not counted yet.
        function: the function that follows.
        settings: its settings where they differ from the catalogue's.
    """

    def __init__(self, view: View, function: ActivationFunction, settings: dict[str, Any]) -> None:
        self.function, self.settings = function, {**function.settings, **settings}
        self.by_unit = view.by_unit
        self.saturates = (function.saturated_below, function.saturated_above) != (None, None)
        self.has_linear = function.linear_region is not None
        self.is_relu = is_relu(function, self.settings)
        device = accumulator_device(view.values.device)
        self.table = empty_inputs(view.values.shape[1], device)
        self.slopes = torch.zeros(2, dtype=torch.float64, device=device)

    def add(self, view: View) -> None:
        """Count the inputs of one call."""
        found = [
            joined([self._counts(as_float(block)) for group in groups(part) for block in group])
            for part in columns(view.values)
        ]
        self._take(torch.cat(found, dim=1), by_unit=view.by_unit)
        slope = None if self.is_relu else self.function.slope
        if slope is None:
            return
        limit = SLOPES_PER_SAMPLE if view.by_sample else view.values.numel()
        for piece in picked(view.values, limit):
            wide = piece.to(self.slopes.device).double()
            seen = torch.isfinite(wide)
            slopes = slope(torch.where(seen, wide, 0), torch, **self.settings) * seen
            self.slopes = self.slopes + torch.stack((slopes.sum(), seen.double().sum()))

    def _counts(self, values: Tensor) -> Tensor:
        outer = (0, *range(2, values.ndim))
        mask = torch.empty_like(values)
        below, above = self.function.saturated_below, self.function.saturated_above
        low, high = values.amin(outer), values.amax(outer)
        nonfinite = torch.zeros_like(low)
        if values.device.type != "cpu" or not math.isfinite((low.sum() + high.sum()).item()):
            finite = torch.isfinite(values)
            nonfinite = torch.logical_not(finite).to(mask.dtype).sum(outer)
            low = torch.where(finite, values, torch.inf).amin(outer)
            high = torch.where(finite, values, -torch.inf).amax(outer)
        none = torch.zeros_like(low)
        rows = (
            torch.full_like(low, values.numel() // values.shape[1]),
            nonfinite,
            none if below is None else torch.lt(values, below, out=mask).sum(outer),
            none if above is None else torch.gt(values, above, out=mask).sum(outer),
            _inside(values, self.function.linear_region, mask, outer),
            low,
            high,
        )
        return torch.stack(rows).double()

    def merge(self, other: Inputs) -> None:
        """Take over the counts of another."""
        self._take(other.table, by_unit=other.by_unit)
        self.slopes = self.slopes + other.slopes.to(self.slopes.device)

    def _take(self, table: Tensor, *, by_unit: bool) -> None:
        """Merge a table; units that do not match in number are no units, so all become one."""
        if (self.by_unit, self.table.shape) != (by_unit, table.shape):
            self.table, table = _pooled(self.table), _pooled(table)
            self.by_unit = False
        self.table = joined([self.table, table.to(self.table.device)])

    def nothing(self) -> Inputs:
        """The same function and units, with nothing counted yet."""
        other = copy(self)
        other.table = empty_inputs(self.table.shape[1], self.table.device)
        other.slopes = torch.zeros_like(self.slopes)
        return other

    def cpu(self) -> Inputs:
        """The same counts on the CPU."""
        other = copy(self)
        other.table, other.slopes = self.table.cpu(), self.slopes.cpu()
        return other


def empty_inputs(units: int, device: torch.device) -> Tensor:
    """The table of no inputs at all."""
    table = torch.zeros(len(InputRow), units, dtype=torch.float64, device=device)
    table[InputRow.LOW], table[InputRow.HIGH] = torch.inf, -torch.inf
    return table


def joined(tables: list[Tensor]) -> Tensor:
    """Merge tables of inputs."""
    stack = torch.stack(tables)
    return torch.cat(
        (
            stack[:, : InputRow.LOW].sum(0),
            stack[:, InputRow.LOW : InputRow.HIGH].amin(0),
            stack[:, InputRow.HIGH :].amax(0),
        )
    )


def _pooled(table: Tensor) -> Tensor:
    return joined(list(torch.split(table, 1, dim=1)))


def _inside(
    values: Tensor, region: tuple[float, float] | None, mask: Tensor, outer: tuple[int, ...]
) -> Tensor:
    """How many values of each unit lie in a closed interval."""
    low, high = region or (math.inf, -math.inf)
    if low > high:
        return values.new_zeros(values.shape[1])
    if math.isinf(high):
        return torch.ge(values, low, out=mask).sum(outer)
    if math.isinf(low):
        return torch.le(values, high, out=mask).sum(outer)
    reached = torch.ge(values, low, out=mask).sum(outer)
    return reached - torch.gt(values, high, out=mask).sum(outer)


def is_relu(function: ActivationFunction, settings: dict[str, Any]) -> bool:
    """Whether the slope is 1 above zero and 0 below: its mean is the share of positive outputs."""
    if function.slope is None or not function.clips_at_zero:
        return False
    probe = torch.tensor([-1e30, -2.0, -1e-3, 1e-3, 0.7, 5.0, 1e30], dtype=torch.float64)
    slopes = function.slope(probe, torch, **settings)
    return bool(torch.equal(slopes, (probe > 0).double()))
