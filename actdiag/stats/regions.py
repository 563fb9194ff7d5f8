"""The inputs of an activation function: their range, and where on the function they fall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import torch

from actdiag.stats import native
from actdiag.stats.ahead import Ahead
from actdiag.stats.careful import extremes, told_apart
from actdiag.stats.devices import accumulator_device
from actdiag.stats.entering import Entering
from actdiag.stats.layout import arrange, as_float, columns, groups
from actdiag.stats.picks import AT_ONCE
from actdiag.stats.ready import Layout, ReadyInput
from actdiag.stats.scratch import beside, readable
from actdiag.stats.tables import Tables
from actdiag.stats.threads import one_thread

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.ahead import Axes
    from actdiag.stats.layout import View
    from actdiag.stats.native import Plan
    from actdiag.stats.pool import Copy
    from actdiag.stats.ready import Batch

# Values whose slopes may wait: 256 kB per site with their weights.
MOST_WAITING = 1 << 14


class InputRow(IntEnum):
    """What each row of a table of inputs holds; counts are of values below, above and so on."""

    COUNT = 0
    NONFINITE = 1
    BELOW = 2
    ABOVE = 3
    LINEAR = 4
    LOW = 5
    HIGH = 6


@dataclass(frozen=True, slots=True)
class InputTotals:
    """What is known of the inputs of a function, on the CPU.

    ``table`` has the rows of :class:`InputRow`; ``slopes`` the sum of the slopes and their number.
    """

    table: Tensor
    by_unit: bool
    slopes: Tensor
    saturates: bool
    has_linear: bool
    is_relu: bool


class Inputs:
    """Counts per unit of where the inputs of a function lie, and the sum of its slopes there.

    Args:
        function: the function that follows.
        settings: its settings where they differ from the catalogue's.
        device: where the inputs are.
    """

    def __init__(
        self, function: ActivationFunction, settings: dict[str, Any], device: torch.device
    ) -> None:
        self.function, self.settings = function, {**function.settings, **settings}
        self.device = accumulator_device(device)
        self.tables = Tables(joined, _pooled, _blank)
        self.regions = native.regions_of(function)
        self.waiting: Tensor | None = None
        self.waits = 0
        exact = function.name == "relu"  # by the catalogue: torch's own functions
        self.ahead = Ahead(self.regions, len(InputRow), is_relu=exact)
        self.slopes = torch.zeros(2, dtype=torch.float64, device=self.device)
        self.is_relu = is_relu(function, self.settings)
        self._ready: ReadyInput | None = None
        with_slope = function.slope is not None and not self.is_relu
        add_slopes = self._add_slopes if with_slope else None
        self._by_torch = Entering(function, self.tables, self._with_care, add_slopes)

    def add(self, view: View, numbers: int | Tensor, known: Copy | None = None) -> None:
        """Count the inputs of one call; ``numbers`` tell which samples of the data they are of.

        ``known`` is the same tensor where it was just taken in as an output.
        """
        self._by_torch.add(view, numbers, known)

    def _add_slopes(self, values: Tensor, weights: Tensor) -> None:
        if self.function.slope is None:
            return
        slopes = self.function.slope(values, torch, **self.settings) * weights
        self.slopes = self.slopes + torch.stack((slopes.sum(), weights.sum()))

    def merge_natively(self, plan: Plan, x: Tensor, numbers: int | Tensor, axes: Axes) -> bool:
        """Count the inputs of one call in place; false where units don't match, or are not known.

        Slopes wait until there are enough values for torch to be fast.
        """
        table = self.tables.place(plan.units, by_unit=plan.by_unit)
        slope = None if self.is_relu else self.function.slope
        if table is None or not (plan.by_sample or slope is None):
            return False
        places = self.ahead.counted(x, axes)
        if places is None or places.shape != table.shape:
            native.merge_regions(plan, x, table, self.regions)
        else:
            native.join(places, table)
        if slope is None:
            self._prepare(plan, x, axes, table)
            return True
        found = native.gather_picks(plan, x, numbers)
        many = found.shape[1]
        if self.waiting is None or self.waits + many > self.waiting.shape[1]:
            self.settle_slopes()
        if self.waiting is None or many > self.waiting.shape[1]:
            with torch.inference_mode(mode=False):
                self.waiting = torch.empty(2, max(many, MOST_WAITING), dtype=torch.float64)
        self.waiting[:, self.waits : self.waits + many] = found
        self.waits += many
        self._prepare(plan, x, axes, table)
        return True

    def _prepare(self, plan: Plan, x: Tensor, axes: Axes, table: Tensor) -> None:
        """The next input like this one may be taken in by :meth:`again`."""
        self._ready = None
        if plan.axes is None:
            layout, waiting = Layout(x, axes), self.waiting
            self._ready = ReadyInput(plan, layout, table, self.regions, waiting)

    def again(self, x: Tensor, axes: Axes, batch: Batch, first: int) -> bool:
        """Count an input like the last one, of samples numbered from ``first``.

        False where it is not like it or there is no room for its slopes, with nothing done.
        """
        ready = self._ready
        if ready is None or ready.table is not self.tables.waiting[0]:
            return False
        layout = ready.layout
        if axes != layout.axes or not (layout.guard(x) or layout.is_that_of(x)):
            return False
        found = ready.take(x, batch, first, self.waits, self.ahead.counted(x, axes))
        if found is not None:
            self.waits += found
        return found is not None

    def settle_slopes(self) -> None:
        """Add the slopes at the inputs that wait."""
        self._by_torch.settle_slopes()
        if self.waiting is not None:
            with one_thread():
                for part in torch.split(self.waiting[:, : self.waits], AT_ONCE, dim=1):
                    self._add_slopes(*part)
        self.waits = 0

    def _with_care(self, view: View) -> Tensor:
        """The table of one call on any device, which may hold NaN and Inf."""
        tables = [
            joined(torch.stack([self._counts(one) for group in groups(part) for one in group]))
            for part in columns(view.values)
        ]
        return torch.cat(tables, dim=1)

    def _counts(self, block: Tensor) -> Tensor:
        on_cpu = self.device.type == "cpu"
        values = readable(block.to(self.device)) if on_cpu else as_float(block)
        outer = (0, *range(2, values.ndim))
        # Sums of booleans are slow on the CPU, and there alone.
        mask = beside("wide", values, values.dtype) if on_cpu else None
        many = values.numel() // values.shape[1]
        below, above = self.function.saturated_below, self.function.saturated_above
        low, high = (values.amin(outer), values.amax(outer)) if on_cpu else extremes(values, outer)
        none = torch.zeros_like(low)
        nonfinite = none
        if not on_cpu or not math.isfinite((low.sum() + high.sum()).item()):
            nonfinite = many - told_apart(values)[1].sum(outer)
            low, high = extremes(values, outer) if on_cpu else (low, high)
        rows = (
            torch.full_like(low, many),
            nonfinite,
            none if below is None else torch.lt(values, below, out=mask).sum(outer),
            none if above is None else torch.gt(values, above, out=mask).sum(outer),
            _inside(values, self.function.linear_region, mask, outer),
            low,
            high,
        )
        return torch.stack([row.double() for row in rows])

    def merge(self, other: Inputs) -> None:
        """Take over the counts of another."""
        other.settle_slopes()
        self.tables.take_over(other.tables)
        self.slopes = self.slopes + other.slopes.to(self.device)

    def state(self) -> dict[str, Any]:
        """All counts, for :meth:`restore`."""
        self.settle_slopes()
        return {"tables": self.tables.state(), "slopes": self.slopes.cpu()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over the counts of another."""
        self.tables.restore(state["tables"])
        self.slopes = self.slopes + state["slopes"].to(self.device)

    def summed(self) -> InputTotals | None:
        """All counts on the CPU; null if nothing was seen."""
        self.settle_slopes()
        table, function = self.tables.settled(), self.function
        if table is None:
            return None
        return InputTotals(
            table=table.cpu(),
            by_unit=self.tables.by_unit,
            slopes=self.slopes.cpu(),
            saturates=(function.saturated_below, function.saturated_above) != (None, None),
            has_linear=function.linear_region is not None,
            is_relu=self.is_relu,
        )


def within(limit: float, dtype: torch.dtype) -> native.Regions:
    """To count values smaller than ``limit`` in size; the kernel counts in closed intervals."""
    kind = torch.float64 if dtype == torch.float64 else torch.float32
    last = torch.tensor(limit, dtype=kind).nextafter(torch.tensor(0, dtype=kind)).item()
    return native.Regions(math.nan, math.nan, -last, last)


def count_within(tensor: Tensor, *, unit_axis: int | None, limit: float) -> Tensor:
    """How many values of each unit are smaller than ``limit`` in size, shape ``(units,)``."""
    plan = native.plan_of(tensor, unit_axis=unit_axis, sample_axis=None, samples=1)
    interval = within(limit, tensor.dtype)
    if plan is not None and tensor.numel():
        table = _blank(plan.units)
        native.merge_regions(plan, tensor, table, interval)
        return table[InputRow.LINEAR].long()
    view = arrange(tensor, unit_axis=unit_axis)
    if not tensor.is_cpu:
        return (view.values.abs() < limit).sum((0, *range(2, view.values.ndim)))
    found = torch.zeros(view.values.shape[1], dtype=torch.float64)
    with one_thread():
        for block in (block for group in groups(view.values) for block in group):
            values, outer = readable(block), (0, *range(2, block.ndim))
            mask = beside("wide", values, values.dtype)
            found += _inside(values, (interval.first, interval.last), mask, outer)
    return found.long()


def joined(stack: Tensor) -> Tensor:
    """Merge tables of inputs, ``(tables, rows, units)``."""
    sums = stack[:, : InputRow.LOW].sum(0)
    low, high = stack[:, InputRow.LOW].amin(0), stack[:, InputRow.HIGH].amax(0)
    return torch.cat((sums, torch.stack((low, high))))


def _pooled(table: Tensor) -> Tensor:
    return joined(table.T.unsqueeze(2))


def _blank(units: int) -> Tensor:
    table = torch.zeros(len(InputRow), units, dtype=torch.float64)
    table[InputRow.LOW], table[InputRow.HIGH] = math.inf, -math.inf
    return table


def _inside(
    values: Tensor, region: tuple[float, float] | None, mask: Tensor | None, outer: tuple[int, ...]
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
