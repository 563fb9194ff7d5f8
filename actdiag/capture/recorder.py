"""The list of sites of a forward pass, in execution order, each with its accumulator."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from actdiag.capture.counts import Counts
from actdiag.capture.opened import OpenSite, Place
from actdiag.capture.order import Order
from actdiag.capture.padding import Part
from actdiag.capture.recorded import records, state_of
from actdiag.capture.source import calling_line
from actdiag.capture.trail import Trail, Trails
from actdiag.records import Role, Site
from actdiag.stats.ahead import Ahead
from actdiag.stats.devices import accumulator_device
from actdiag.stats.ready import Batch
from actdiag.stats.regions import InputRow, count_within, within
from actdiag.stats.rows import Picked, Picker, RowSample
from actdiag.stats.site import SiteAccumulator

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from torch import Tensor

    from actdiag.capture.padding import Mask
    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.native import Plan


SHUT = 0.01  # our choice: such a gate lets a hundredth of the value through


def _is_verbatim(trail: Trail | None) -> bool:
    """Whether the tensor holds the values of one site, moved or reshaped at most."""
    return trail is not None and trail.straight and not trail.changed and len(trail.sites) == 1


class Recorder:
    """Opens sites by name and feeds their accumulators.

    Args:
        first: number of the first sample in the whole data, where a part of it is run.

    Attributes:
        shut: the gate of which :meth:`count_shut` was told last, the id of what it gave, its trail.
    """

    def __init__(self, first: int = 0) -> None:
        self.sites: list[OpenSite] = []
        self.trails = Trails()
        self.samples = self.turn = 0
        self.mask: Mask | None = None
        self.width_changes: list[str] = []
        self._by_name: dict[str, OpenSite] = {}
        self.counts = Counts()
        self.shut: tuple[OpenSite, int, Trail] | None = None
        self._outputs: dict[int, weakref.ref[Tensor]] = {}
        self.left: Trail | None = None  # of what has left torch in this pass
        self._order = Order()
        self._picker = Picker(first)
        self._batch = Batch()

    @property
    def first(self) -> int:
        """Number of this pass's first sample in the whole data."""
        return self._batch.first

    def begin_pass(self, samples: int, mask: Mask | None = None) -> None:
        """A forward pass over ``samples`` samples begins; ``mask`` says what is padding in it."""
        self.turn += 1
        self.samples = samples
        self.mask = mask
        self._batch = Batch(self._picker.seen, self._picker.next(samples))
        self.counts.clear()
        self._order.begin()
        self._outputs.clear()
        self.left = None
        self.trails.clear()

    def open(  # noqa: PLR0913 - a site is what its parts are
        self,
        place: Place,
        label: str,
        *,
        role: Role,
        tensor: Tensor,
        trail: Trail | None,
        unit_axis: int | None,
        function: str | None = None,
        row: ActivationFunction | None = None,
        settings: dict[str, float] | None = None,
    ) -> OpenSite:
        """The site of this call; made on first sight, found again in later passes.

        ``tensor`` gives shape and dtype, ``trail`` what the site is computed from.
        """
        base = place.module if place.own_name else f"{place.module}/{label}".lstrip("/")
        call = self.counts.count(base)
        name = base if call == 1 else f"{base}#{call}"
        site = self._by_name.get(name)
        if site is None:
            units = None if unit_axis is None else tensor.shape[unit_axis]
            site = OpenSite(
                index=len(self.sites),
                name=name,
                module=place.module,
                module_class=place.module_class,
                function=function or label,
                role=role,
                call=call,
                source=None if role in (Role.INPUT, Role.OUTPUT) else calling_line(),
                shape=tuple(tensor.shape),
                unit_axis=unit_axis,
                dtype=str(tensor.dtype).removeprefix("torch."),
                accumulator=SiteAccumulator(units, row, settings),
                inputs=trail.sites if trail else (),
                straight=bool(trail and trail.straight and len(trail.sites) == 1),
                verbatim=_is_verbatim(trail),
            )
            self._add(site)
        else:
            if trail is not None and trail.sites != site.inputs:
                site.inputs = tuple(dict.fromkeys(site.inputs + trail.sites))
                site.straight = site.straight and len(site.inputs) == 1
            site.verbatim = site.verbatim and _is_verbatim(trail)
            self._order.met.append(site.index)
        return site

    def _add(self, site: OpenSite) -> None:
        self.sites.append(site)
        self._by_name[site.name] = site
        self._order.add(site.index)

    def part(
        self, outer: OpenSite, label: str, *, tensor: Tensor, row: ActivationFunction
    ) -> OpenSite:
        """A gate inside a site, units on the last axis; all calls of one module share it."""
        whole_module = outer.name.partition("#")[0] == outer.module
        name = f"{outer.module if whole_module else outer.name}/{label}"
        site = self._by_name.get(name)
        if site is None:
            site = OpenSite(
                index=len(self.sites),
                name=name,
                module=outer.module,
                module_class=outer.module_class,
                function=row.name,
                role=Role.GATE,
                call=1,
                source=outer.source,
                shape=tuple(tensor.shape),
                unit_axis=tensor.dim() - 1,
                dtype=str(tensor.dtype).removeprefix("torch."),
                accumulator=SiteAccumulator(tensor.shape[-1], row),
                inputs=(outer.index,),
            )
            self._add(site)
        else:
            self._order.met.append(site.index)
        return site

    def measure(
        self, site: OpenSite, tensor: Tensor, trail: Trail, *, called: bool = False
    ) -> None:
        """Add the site's output of this pass and remember where the tensor came from.

        ``called`` tells that the site's function just gave it for the input that was measured.
        """
        axes = trail.unit_axis, trail.sample_axis, self.samples
        accumulator, batch = site.accumulator, self._batch
        if self.mask is not None or not accumulator.again(tensor, axes, batch, called=called):
            self._measure_anew(site, tensor, trail)
        self._outputs[site.index] = self.trails.put(tensor, trail)

    def _measure_anew(self, site: OpenSite, tensor: Tensor, trail: Trail) -> None:
        if self._same_width(site, tensor):
            for part in self._parts(tensor, trail):
                plan = site.accumulator.update(
                    part.tensor,
                    unit_axis=part.unit_axis,
                    sample_axis=part.sample_axis,
                    samples=part.samples,
                    numbers=self._numbers(part),
                )
                site.accumulator.prepare(plan, part.tensor, part[1:4])
                if self._batch.picked is not None:
                    self._sample(site, part, self._batch.picked, plan)

    def follow(self, site: OpenSite, tensor: Tensor, trail: Trail) -> None:
        """Remember where the tensor came from without measuring it."""
        self._outputs[site.index] = self.trails.put(tensor, trail)

    def output_of(self, index: int) -> Tensor | None:
        """What the site gave in this pass, if anybody still holds it."""
        reference = self._outputs.get(index)
        return None if reference is None else reference()

    def meet(self, site: OpenSite | None, counts: Iterable[tuple[Hashable, int]]) -> None:
        """A call of an earlier pass is made again: it counts the same and opens the same site."""
        numbers = self.counts.numbers
        for key, number in counts:
            numbers[key] = number
        if site is not None:
            self._order.met.append(site.index)

    def measure_input(self, site: OpenSite, tensor: Tensor, trail: Trail) -> None:
        """Add the input of the site's function, before an in-place one overwrites it."""
        site.given = weakref.ref(tensor)
        axes = trail.unit_axis, trail.sample_axis, self.samples
        again = self.mask is None and site.accumulator.input_again(tensor, axes, self._batch)
        if not again and self._same_width(site, tensor):
            for part in self._parts(tensor, trail):
                site.accumulator.update_input(
                    part.tensor,
                    unit_axis=part.unit_axis,
                    sample_axis=part.sample_axis,
                    samples=part.samples,
                    numbers=self._numbers(part),
                )
        if site.accumulator.inputs is not None:
            self._foresee(tensor, trail, site.accumulator.inputs.ahead)

    def _foresee(self, tensor: Tensor, trail: Trail, ahead: Ahead) -> None:
        """What reads an output in this pass may read it in the next."""
        if self.mask is None and len(trail.sites) == 1 and self.output_of(trail.sites[0]) is tensor:
            self.sites[trail.sites[0]].accumulator.next = ahead

    def unforesee(self, trails: Iterable[Trail]) -> None:
        """What was counted ahead of these sites' outputs stands no more: they may change unseen."""
        for index in {index for trail in trails for index in trail.sites}:
            self.sites[index].exposed = True
            self.sites[index].accumulator.unforesee()

    def count_shut(self, site: OpenSite, gate: Tensor, trail: Trail) -> None:
        """Count by unit how often a gate lets (nearly) nothing through."""
        if trail.unit_axis is None or gate.shape[trail.unit_axis] != site.units:
            return
        if site.ahead is None or site.shut is None:
            site.ahead = Ahead(within(SHUT, gate.dtype), len(InputRow))
            # What is made in inference mode could not be written to outside.
            with torch.inference_mode(mode=False):
                device = accumulator_device(gate.device)
                site.shut = torch.zeros(site.units, dtype=torch.float64, device=device)
        for part in self._parts(gate, trail):
            places = site.ahead.counted(gate, part[1:4])
            if places is None:
                found = count_within(part.tensor, unit_axis=part.unit_axis, limit=SHUT)
                site.shut += found.to(site.shut.device)
            else:
                site.shut += places[InputRow.LINEAR]
        self._foresee(gate, trail, site.ahead)
        self.shut = site, id(gate), trail

    def _sample(self, site: OpenSite, part: Part, picked: Picked, plan: Plan | None) -> None:
        """Keep some of the site's rows."""
        site.rows = site.rows or RowSample()
        slots = site.rows.add(
            part.tensor,
            unit_axis=part.unit_axis,
            sample_axis=part.sample_axis,
            samples=part.samples,
            picked=picked if part.rows is None else picked.among(part.rows),
            plan=plan,
        )
        site.accumulator.keep(slots)

    def _parts(self, tensor: Tensor, trail: Trail) -> Iterable[Part]:
        """What of a tensor is measured: all of it, or the positions that are no padding."""
        if self.mask is None:
            return (Part(tensor, trail.unit_axis, trail.sample_axis, self.samples),)
        return self.mask.parts(tensor, trail.unit_axis, trail.sample_axis)

    def _numbers(self, part: Part) -> int | Tensor | None:
        """Which samples of all these are; null where the part is no samples."""
        if part.sample_axis is None:
            return None
        first = self._batch.first
        return first if part.rows is None else first + part.rows

    def _same_width(self, site: OpenSite, tensor: Tensor) -> bool:
        axis = site.unit_axis
        if axis is None or (axis < tensor.dim() and tensor.shape[axis] == site.units):
            return True
        if site.name not in self.width_changes:
            self.width_changes.append(site.name)
        return False

    def records(self) -> tuple[Site, ...]:
        """Every site as a frozen record, in execution order."""
        return records(self.sites, self._order)

    def state(self) -> dict[str, Any]:
        """What each site has accumulated, by its name, as plain values and tensors."""
        return {site.name: state_of(site) for site in self.sites if not site.absorbed}
