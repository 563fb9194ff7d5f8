"""Everything that is measured at one site, from batches, shards or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from actdiag.stats import native, recent
from actdiag.stats.deferred import Deferred
from actdiag.stats.entering import SLOPES
from actdiag.stats.layout import arrange
from actdiag.stats.moments import (
    combined,
    combined_means,
    empty,
    empty_means,
    pooled,
    unknown_means,
)
from actdiag.stats.quantiles import PICKS, Buckets
from actdiag.stats.ready import Layout, ReadyOutput
from actdiag.stats.regions import Inputs
from actdiag.stats.summary import Totals, summarise
from actdiag.stats.tables import Tables
from actdiag.stats.threads import one_thread

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.functions.row import ActivationFunction
    from actdiag.records import SiteStats, UnitStats
    from actdiag.stats.ahead import Ahead, Axes
    from actdiag.stats.native import Plan
    from actdiag.stats.ready import Batch
    from actdiag.stats.rows import Slots

_CPU = torch.device("cpu")


class SiteAccumulator:
    """Streams the tensors of one site; memory is O(units) whatever flows through.

    Any partition of the same samples into batches and accumulators, merged in any order, gives
    the same counts exactly and the same floats to rounding. Nothing is read back from an
    accelerator before :meth:`to_record`.

    Args:
        units: number of units, or null to take it from the first tensor.
        function: the activation function at this site, if any.
        settings: the function's settings where they differ from the catalogue's.

    Attributes:
        next: of the function that read the last output, and so may read the next.
    """

    def __init__(
        self,
        units: int | None,
        function: ActivationFunction | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.units = units
        self.function = function
        self.settings = settings or {}
        self.tables = Tables(combined, pooled, empty)
        self.samples = Tables(combined_means, unknown_means, empty_means)
        self._by_torch = Deferred(self.tables, self.samples)
        self.unordered = False  # whether the samples' means can no longer be known
        self.nan: Tensor | int = 0
        self.seen, self.seen_inputs = 0, 0  # samples, for their numbers
        self.buckets: Buckets | None = None
        self.inputs: Inputs | None = None
        self.next: Ahead | None = None
        self._ready: ReadyOutput | None = None

    def again(self, output: Tensor, axes: Axes, batch: Batch, *, called: bool = False) -> bool:
        """Take in an output that is like the last one; false where it is not, with nothing done.

        What it does is that of :meth:`update`, and of keeping rows where :meth:`keep` told how.
        ``called`` tells that the output is certain to be what the site's function just made of the
        last input.
        """
        ready = self._ready
        if ready is None:
            return False
        layout = ready.layout
        if axes != layout.axes or not (layout.guard(output) or layout.is_that_of(output)):
            return False
        plan, slots, picked = ready.plan, ready.slots, batch.picked
        if picked is not None and slots is None and plan.has_rows:
            return False
        if ready.table is not self.tables.waiting[0] or not ready.buckets.take_room(plan.values):
            return False
        ahead = self.next
        places = None if ahead is None else ahead.expect(plan.units, output, axes, keeps=True)
        if ahead is not None and places is not None:
            ready.expect(ahead, places)
        else:
            self.next = None
        first = self.seen if axes[1] is None else batch.first
        kept = self.inputs.ahead.gave(axes) if called and self.inputs is not None else None
        nan = ready.take(output, batch, first, ahead=places is not None, kept=kept)
        if nan:
            self.nan = self.nan + nan
        self.seen += 1 if axes[1] is None else axes[2]
        if picked is not None and slots is not None:
            slots.take(picked)
        return True

    def unforesee(self) -> None:
        """The last output may be changed unseen before the next function reads it."""
        recent.forget()
        if self.next is not None:
            self.next.drop()

    def prepare(self, plan: Plan | None, output: Tensor, axes: Axes) -> None:
        """Further outputs like this one, which :meth:`update` read so, may come :meth:`again`."""
        self._ready = None
        if plan is None or plan.axes is not None or self.buckets is None:
            return
        table, samples = self.tables.settled(), self.samples.settled()
        if table is None:
            return
        known = None if self.unordered else samples
        self._ready = ReadyOutput(plan, Layout(output, axes), table, known, self.buckets)

    def keep(self, slots: Slots | None) -> None:
        """The rows of further outputs like the last one go to these slots, if any."""
        if self._ready is not None and slots is not None:
            self._ready.keep(slots)

    def update(
        self,
        output: Tensor,
        *,
        unit_axis: int | None,
        sample_axis: int | None,
        samples: int,
        numbers: int | Tensor | None = None,
    ) -> Plan | None:
        """Take in the output of one call; gives how the kernel read it, null where torch did.

        Args:
            output: a tensor of any dtype and layout; complex values count by their size.
            unit_axis: axis of the units, or null when it is not known.
            sample_axis: axis of the samples, or null. It may be a multiple of ``samples`` long,
                when each sample fills that many consecutive rows.
            samples: number of samples in the batch.
            numbers: which samples of the whole data they are: the number of the first, or of each
                ``(samples,)``; by default those after the ones seen. Picks for quantiles depend
                on it, so that shards whose samples are numbered apart give the same in any order.
        """
        if output.numel() == 0:
            return None
        if self.buckets is None:
            self.buckets = Buckets(output.device)
        plan = native.plan_of(
            output,
            unit_axis=unit_axis,
            sample_axis=sample_axis,
            samples=samples,
            picks=PICKS,
        )
        if self.inputs is not None:
            self.inputs.ahead.forget()
        before = self.seen
        self.seen += 1 if sample_axis is None else samples
        numbers = before if numbers is None else numbers
        axes = unit_axis, sample_axis, samples
        self._ready = None
        if plan is not None and self._merge_natively(plan, output, self.buckets, numbers, axes):
            return plan
        with one_thread():
            view = arrange(output, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
            if not view.by_sample and not self.unordered:
                self._lose_order(empty(1, view.values.device))
            recent.remember(output, axes, self._by_torch.add(view, numbers, self.buckets))
        return None

    def _merge_natively(
        self, plan: Plan, output: Tensor, buckets: Buckets, numbers: int | Tensor, axes: Axes
    ) -> bool:
        """Take in an output in place; false where units don't match and nothing was done."""
        table = self.tables.place(plan.units, by_unit=plan.by_unit)
        if table is None or not buckets.recent.is_cpu:
            return False
        samples = None
        if not plan.by_sample:
            self._lose_order(table)
        elif not self.unordered:
            samples = self.samples.place(plan.units, by_unit=plan.by_unit)
            if samples is None:
                return False
        counts = buckets.place(output.numel())
        ahead = None
        if self.next is not None:
            places = self.next.expect(plan.units, output, axes)
            ahead = None if places is None else (self.next.regions, places)
            self.next = None if places is None else self.next
        nan = native.merge_moments(plan, output, table, samples, counts, numbers, ahead)
        self.nan = self.nan + nan
        return True

    def _lose_order(self, table: Tensor) -> None:
        """From now on the samples' means are not known."""
        if not self.unordered:
            self.samples.add(unknown_means(table), by_unit=False)
            self.unordered = True

    def input_again(self, x: Tensor, axes: Axes, batch: Batch) -> bool:
        """As :meth:`again`, of the function's input: does what :meth:`update_input` does."""
        if self.inputs is None:
            return False
        first = self.seen_inputs if axes[1] is None else batch.first
        if not self.inputs.again(x, axes, batch, first):
            return False
        self.seen_inputs += 1 if axes[1] is None else axes[2]
        return True

    def update_input(
        self,
        x: Tensor,
        *,
        unit_axis: int | None,
        sample_axis: int | None = None,
        samples: int = 1,
        numbers: int | Tensor | None = None,
    ) -> None:
        """Take in the input of the function, before it runs; without a function, nothing.

        With ``sample_axis`` and ``samples`` the mean slope of a smooth function is taken over at
        most 512 positions of each sample, fewer the more samples were seen; without them over all
        values, which is slow. ``numbers`` as for :meth:`update`.
        """
        if self.function is None or x.numel() == 0:
            return
        if self.inputs is None:
            self.inputs = Inputs(self.function, self.settings, x.device)
        axes: dict[str, Any] = {
            "unit_axis": unit_axis,
            "sample_axis": sample_axis,
            "samples": samples,
        }
        self.inputs.ahead.forget()
        before = self.seen_inputs
        self.seen_inputs += 1 if sample_axis is None else samples
        numbers = before if numbers is None else numbers
        plan = native.plan_of(x, **axes, picks=SLOPES)
        known = unit_axis, sample_axis, samples
        if plan is None or not self.inputs.merge_natively(plan, x, numbers, known):
            with one_thread():
                self.inputs.add(arrange(x, **axes), numbers, recent.recall(x, known))

    def merge(self, other: SiteAccumulator) -> None:
        """Take in all that another accumulator of the same site has seen."""
        self._ready = None
        self.tables.take_over(other.tables)
        self.samples.take_over(other.samples)
        self.unordered = self.unordered or other.unordered
        self.nan = self.nan + other.nan + other._by_torch.nan
        self.seen += other.seen
        self.seen_inputs += other.seen_inputs
        if other.buckets is not None:
            self.buckets = self.buckets or Buckets(other.buckets.recent.device)
            self.buckets.merge(other.buckets)
        if other.inputs is not None:
            inputs = other.inputs
            if self.inputs is None:
                self.inputs = Inputs(inputs.function, inputs.settings, inputs.device)
            self.inputs.merge(inputs)

    def state(self) -> dict[str, Any]:
        """All that was seen as plain values and tensors on the CPU, for :meth:`restore`."""
        return {
            "tables": self.tables.state(),
            "samples": self.samples.state(),
            "unordered": self.unordered,
            "nan": int(self.nan + self._by_torch.nan),
            "buckets": self.buckets and self.buckets.state(),
            "inputs": self.inputs and self.inputs.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take in all that another accumulator of the same site had seen."""
        self._ready = None
        self.tables.restore(state["tables"])
        self.samples.restore(state["samples"])
        self.unordered = self.unordered or state["unordered"]
        self.nan = self.nan + state["nan"]
        if state["buckets"] is not None:
            self.buckets = self.buckets or Buckets(_CPU)
            self.buckets.restore(state["buckets"])
        if state["inputs"] is not None and self.function is not None:
            self.inputs = self.inputs or Inputs(self.function, self.settings, _CPU)
            self.inputs.restore(state["inputs"])

    def to_record(self) -> tuple[SiteStats, UnitStats | None]:
        """The numbers so far, per layer and per unit; per unit null where none are known."""
        table, samples = self.tables.settled(), self.samples.settled()
        return summarise(
            Totals(
                table=empty(self.units or 1) if table is None else table.cpu(),
                samples=None if samples is None else samples.cpu(),
                by_unit=self.units is not None if table is None else self.tables.by_unit,
                nan=int(self.nan + self._by_torch.nan),
                buckets=self.buckets,
                inputs=None if self.inputs is None else self.inputs.summed(),
                function=self.function,
            )
        )
