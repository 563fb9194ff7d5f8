"""The sites of several parts, each with all that was seen of it anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.records import Role
from actdiag.stats.attention import AttentionAccumulator
from actdiag.stats.rows import RowSample
from actdiag.stats.site import SiteAccumulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from actdiag.records import Site, UnitStats


class Sites:
    """Takes in the sites of one part after the other, the earlier samples first.

    Attributes:
        width_changes: names of sites that are of another width in a later part; as within one
            part, only the first width is measured.
    """

    def __init__(self) -> None:
        self.width_changes: list[str] = []
        self._sums: dict[str, _Sum] = {}
        self._order: list[str] = []

    def add(self, sites: Iterable[Site], states: dict[str, Any]) -> None:
        """Take in a part: its records, and by name the state of their accumulators."""
        after = 0
        for site in sites:
            total = self._sums.get(site.name)
            if total is None:
                self._order.insert(after, site.name)
                self._sums[site.name] = _Sum(site, states[site.name])
            elif total.site.units == site.units:
                total.add(site, states[site.name])
            elif site.name not in self.width_changes:
                self.width_changes.append(site.name)
            after = self._order.index(site.name) + 1

    def __len__(self) -> int:
        return len(self._order)

    def records(self) -> tuple[Site, ...]:
        """Every site, in execution order."""
        return tuple(self._sums[name].record() for name in self._order)


class _Sum:
    """One site: its record as the first part has it, and the accumulators of all."""

    def __init__(self, site: Site, state: dict[str, Any]) -> None:
        self.site = site
        name = state["function"]
        function = functions.get(name) if name is not None else None
        self.numbers = SiteAccumulator(site.units, function, state["settings"])
        self.rows = RowSample()
        self.attention = AttentionAccumulator()
        self._restore(state)

    def _restore(self, state: dict[str, Any]) -> None:
        self.numbers.restore(state["numbers"])
        self.rows.restore(state["rows"] or [])
        self.attention.restore(state["attention"])

    def add(self, site: Site, state: dict[str, Any]) -> None:
        """Take in the same site of another part."""
        self._restore(state)
        mine = self.site
        inputs = tuple(dict.fromkeys((*mine.inputs, *site.inputs)))
        self.site = replace(
            mine,
            role=Role.ATTENTION if Role.ATTENTION in (mine.role, site.role) else mine.role,
            inputs=inputs,
            straight=mine.straight and site.straight and len(inputs) == 1,
            verbatim=mine.verbatim and site.verbatim and len(inputs) == 1,
            returned=mine.returned or site.returned,
            is_final=mine.is_final or site.is_final,
            gradient=mine.gradient or site.gradient,
            per_unit=_joined(mine.per_unit, site.per_unit),
        )

    def record(self) -> Site:
        """The site with the numbers of all parts."""
        stats, units = self.numbers.to_record()
        known = self.site.per_unit
        if units is not None and known is not None:
            low, high = known.input_min, known.input_max
            units = replace(units, input_min=low, input_max=high, shut=known.shut)
        return replace(
            self.site,
            stats=replace(stats, **self.rows.told()),
            per_unit=units,
            attention=self.attention.to_record() if self.site.attention is not None else None,
        )


def _joined(mine: UnitStats | None, other: UnitStats | None) -> UnitStats | None:
    """What no accumulator of the site itself holds: the range of its inputs, and when it shut."""
    if mine is None or other is None:
        return mine or other
    return replace(
        mine,
        input_min=_by_unit(_least, mine.input_min, other.input_min),
        input_max=_by_unit(_greatest, mine.input_max, other.input_max),
        shut=_by_unit(_added, mine.shut, other.shut),
    )


def _by_unit(function: Callable[[Any, Any], Any], *sides: tuple[Any, ...]) -> tuple[Any, ...]:
    """By unit, where both sides know it."""
    return tuple(map(function, *sides)) if len(set(map(len, sides))) == 1 else max(sides, key=len)


def _least(mine: float | None, other: float | None) -> float | None:
    return min((end for end in (mine, other) if end is not None), default=None)


def _greatest(mine: float | None, other: float | None) -> float | None:
    return max((end for end in (mine, other) if end is not None), default=None)


def _added(mine: int, other: int) -> int:
    return mine + other
