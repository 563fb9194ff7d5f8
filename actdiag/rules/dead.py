"""Units that never fired: how far below zero they stay, and whether anything could wake them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.records import Site, UnitStats


@dataclass(frozen=True, slots=True)
class Dead:
    """A unit that never fired.

    Attributes:
        unit: its index.
        margin: how many standard deviations of its input below zero the largest of them lies.
        bound: the largest input that the layer before allows, for inputs within the range seen.
        bound_margin: how many standard deviations below zero that lies; negative if above.
    """

    unit: int
    margin: float | None = None
    bound: float | None = None
    bound_margin: float | None = None

    @property
    def cannot_fire(self) -> bool:
        """Whether nothing within the range seen can wake it."""
        return self.bound is not None and self.bound <= 0


def looked_at(per_unit: UnitStats, unit: int, source: Site | None) -> Dead:
    """One dead unit; ``source`` is the layer whose output is its input."""
    largest = per_unit.input_max[unit] if per_unit.input_max else None
    bound = per_unit.input_bound[unit] if per_unit.input_bound else None
    spread = source.per_unit.std[unit] if source is not None and source.per_unit else None
    if not spread:
        return Dead(unit, bound=bound)
    margin = max(-largest, 0.0) / spread if largest is not None else None
    return Dead(unit, margin, bound, -bound / spread if bound is not None else None)


def told(dead: Sequence[Dead], far_below: float) -> str:
    """Which of the dead units cannot fire, and which stay far below zero; nothing if none do."""
    text = ""
    impossible = [one for one in dead if one.cannot_fire]
    if impossible:
        text += (
            f" {_of_them(len(impossible), len(dead))} cannot fire whatever the input within the "
            f"range seen: the weights keep {'it' if len(impossible) == 1 else 'them'}"
            f"{_how_far(impossible)} below zero."
        )
    far = sum(one.margin is not None and one.margin >= far_below for one in dead)
    if far:
        text += (
            f" {_of_them(far, len(dead))} {'stays' if far == 1 else 'stay'} more than "
            f"{far_below:g} standard deviations below zero."
        )
    return text


def _of_them(some: int, everyone: int) -> str:
    if some == everyone:
        return "It" if everyone == 1 else "They"
    return f"{some:,} of them"


def _how_far(impossible: list[Dead]) -> str:
    """By how many standard deviations the nearest of them misses zero, where that is known."""
    margins = [one.bound_margin for one in impossible if one.bound_margin is not None]
    if not margins or min(margins) < 0.1:  # noqa: PLR2004 - not worth a number
        return ""
    return f" at least {min(margins):.1f} standard deviations"
