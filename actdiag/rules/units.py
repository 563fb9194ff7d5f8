"""Judging unit by unit: which units a test holds for, and how severe their share is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Severity, Site, UnitStats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.rules.base import Limits

RULE_OF_THREE = 3.0
"""−ln 0.05: never seen in n observations means a rate below 3/n at 95 % (Hanley 1983)."""


def enough(site: Site, limits: Limits) -> bool:
    """Whether the units of this site were observed often enough to judge them."""
    return site.per_unit is not None and site.stats.observations >= limits["min_samples"]


def dead_units(per_unit: UnitStats, *, clips: bool) -> list[int]:
    """Units never above 0 (of a function that clips there), or exactly 0 throughout (of others)."""
    return [unit for unit in counted(per_unit) if is_silent(per_unit, unit, clips=clips)]


def is_silent(per_unit: UnitStats, unit: int, *, clips: bool) -> bool:
    """Whether the unit never fired."""
    if per_unit.nonfinite[unit]:
        return False
    if clips:
        return per_unit.positive[unit] == 0
    return per_unit.zeros[unit] == per_unit.count[unit]


def counted(per_unit: UnitStats) -> Iterator[int]:
    """Indices of the units that were observed at all."""
    return (unit for unit, count in enumerate(per_unit.count) if count > 0)


def cannot_fire(per_unit: UnitStats) -> frozenset[int]:
    """Units whose weights keep the function's input at or below zero, over the range seen."""
    bounds = enumerate(per_unit.input_bound)
    return frozenset(unit for unit, bound in bounds if bound is not None and bound <= 0)


def graded(share: float, limits: Limits, *names: str) -> Severity | None:
    """The worst severity among ``names`` whose threshold ``share`` reaches."""
    for name in names:
        if share >= limits[name]:
            return Severity(name)
    return None


def firing_bound(samples: int) -> float:
    """Upper 95 % bound on the share of samples that show what was never seen in so many.

    Positions of one sample are alike, so that samples are counted, not values.
    """
    return min(1.0, RULE_OF_THREE / max(samples, 1))
