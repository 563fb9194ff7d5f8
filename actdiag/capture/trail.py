"""Where a tensor came from: the sites upstream of it and the axes that were carried along."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Trail:
    """What is known of one tensor.

    Attributes:
        sites: indices of the sites it was computed from, nearest first.
        straight: only single-input linear operations lie between the one site and this tensor.
        unit_axis: axis of the channels or features, counted from 0; None when lost.
        sample_axis: axis of the samples, counted from 0; None when lost.
        fresh: this very tensor is the site's output, not something computed from it.
        changed: values were changed, linearly, since the site: scaled, shifted or added up.
        product: a matrix product of two computed tensors lies since the nearest site.
        start: a function written out may begin at this very tensor: it is what a site gave, moved
            or reshaped, or a sum of what several gave.
        origins: of an input of the model that was only moved and reshaped, the axis of the input
            that each axis is, None where it is none; None for everything else.
    """

    sites: tuple[int, ...]
    straight: bool = True
    unit_axis: int | None = None
    sample_axis: int | None = None
    fresh: bool = False
    changed: bool = False
    product: bool = False
    start: bool = False
    origins: tuple[int | None, ...] | None = None

    @property
    def axes(self) -> tuple[int | None, int | None]:
        """The unit and the sample axis."""
        return self.unit_axis, self.sample_axis

    def passed(self) -> Trail:
        """The trail behind an operation that changes values linearly and keeps every axis."""
        return replace(self, fresh=False, changed=True, start=False)

    def moved(self, unit_axis: int | None, sample_axis: int | None) -> Trail:
        """The trail behind an operation that leaves the values, with the axes as they are now."""
        start = self.start or not self.changed
        return replace(self, unit_axis=unit_axis, sample_axis=sample_axis, fresh=False, start=start)

    def carried(self, to: Callable[[int], int | None], dimensions: int) -> Trail:
        """The trail behind an operation that brings each axis ``to`` another place, or to none."""
        unit, sample = (None if axis is None else to(axis) for axis in self.axes)
        return replace(self.moved(unit, sample), origins=self._origins(to, dimensions))

    def _origins(
        self, to: Callable[[int], int | None], dimensions: int
    ) -> tuple[int | None, ...] | None:
        if self.origins is None:
            return None
        found: list[int | None] = [None] * dimensions
        for axis, origin in enumerate(self.origins):
            place = to(axis)
            if place is not None:
                found[place] = origin
        return tuple(found)

    def blurred(self) -> Trail:
        """The trail behind an operation that is not a straight line."""
        return replace(self, straight=False, fresh=False, changed=True, start=False, origins=None)


def merged(trails: list[Trail]) -> Trail:
    """The trail of a tensor computed from several: their sites together, axes where they agree."""
    first = trails[0]
    if len(trails) == 1:
        return first
    sites = tuple(dict.fromkeys(site for trail in trails for site in trail.sites))
    units = {trail.unit_axis for trail in trails} - {None}
    samples = {trail.sample_axis for trail in trails} - {None}
    return Trail(
        sites=sites,
        straight=False,
        changed=True,
        unit_axis=units.pop() if len(units) == 1 else None,
        sample_axis=samples.pop() if len(samples) == 1 else None,
        product=any(trail.product for trail in trails),
    )


def reshaped_axis(before: tuple[int, ...], after: tuple[int, ...], axis: int | None) -> int | None:
    """Where ``axis`` of shape ``before`` lies in ``after``, which is a reshape of it.

    An axis that is kept, or that is the first of several flattened into one, has a place; one
    that is split, or mixed into an axis that starts before it, has none.
    """
    if axis is None:
        return None
    start = prod(before[:axis])
    position = 1
    for place, size in enumerate(after):
        if position == start and size >= before[axis] and size % max(before[axis], 1) == 0:
            return place
        position *= size
    return None


def split_axis(
    before: tuple[int, ...], after: tuple[int, ...], axis: int, samples: int
) -> int | None:
    """Where the sample ``axis`` of a reshaped tensor lies if it was split, samples first.

    Rows of tokens become samples and tokens: the first axis still holds every sample in order.
    """
    start, position = prod(before[:axis]), 1
    for place, size in enumerate(after):
        if position == start and size > 1 and before[axis] % size == 0:
            return place if samples and size % samples == 0 else None
        position *= size
    return None


def fitted(trail: Trail, tensor: Tensor, samples: int) -> Trail:
    """The trail with the axes that ``tensor`` has."""
    dimensions = tensor.dim()
    unit = trail.unit_axis
    if unit is not None and unit >= dimensions:
        unit = None
    sample = trail.sample_axis
    if sample is not None and (
        sample >= dimensions or not samples or tensor.shape[sample] % samples
    ):
        sample = None
    return replace(trail, unit_axis=unit, sample_axis=sample)


class Trails:
    """Trails of the tensors alive in this forward pass; holds none of them alive.

    Equal trails are one object, so that those of a later pass are known again by identity.

    Attributes:
        known: by the id of a tensor, the tensor and its trail. An id may have gone to another one.
        starts: by the sites it came from, the latest tensor that a function may begin at.
    """

    def __init__(self) -> None:
        self.known: dict[int, tuple[weakref.ref[Tensor], Trail]] = {}
        self.starts: dict[tuple[int, ...], weakref.ref[Tensor]] = {}
        self._one: dict[Trail, Trail] = {}
        self._ids: set[int] = set()  # of the trails that stand for all their equals

    def clear(self) -> None:
        """Forget every tensor: the forward pass is over."""
        self.known.clear()
        self.starts.clear()

    def of(self, tensor: Tensor) -> Trail | None:
        """The trail of ``tensor``, or None: a constant, a parameter, or unknown."""
        entry = self.known.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def put(self, tensor: Tensor, trail: Trail) -> weakref.ref[Tensor]:
        """Remember the trail of ``tensor``; gives the reference that was made to it."""
        if id(trail) not in self._ids:
            trail = self._one.setdefault(trail, trail)
            self._ids.add(id(trail))
        reference = weakref.ref(tensor)
        self.known[id(tensor)] = reference, trail
        if trail.start:
            self.starts.pop(trail.sites, None)  # the latest stand last
            self.starts[trail.sites] = reference
        return reference
