"""Input features that never vary.

## What it sees
Features of a float input whose standard deviation over all samples is 0.

## Why it matters
A constant feature tells nothing; standardised by its own deviation it becomes NaN. Often a column
was filled with a default, or lost when tables were joined.

## How to tell it from a healthy look-alike
Border pixels of digits are always black: where at least half of the features share the smallest
value, as pixels and counts do, those that never leave it are left out. A small sample may miss
the rare value of a flag, so it is only worth knowing.

## What to do
Check how these columns came about; leave them out, or give the data in which they vary.

## Source
Our choice: a deviation of exactly 0 on at least a hundred samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, UnitStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import input_sites, takes_numbers
from actdiag.rules.units import counted, enough, firing_bound
from actdiag.rules.wording import confidence_in, count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Check how these columns came about, and leave them out if they never vary."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every float input with constant features."""
    for site in input_sites(scan):
        if site.per_unit is None or not takes_numbers(site) or not enough(site, limits):
            continue
        total = len(site.per_unit.count)
        background = _background(site.per_unit, limits["share_of_minimum"])
        dead = [
            unit
            for unit in counted(site.per_unit)
            if site.per_unit.std[unit] == 0 and site.per_unit.max[unit] != background
        ]
        if dead and len(dead) < total:
            bound = firing_bound(scan.data.samples)
            verb = "has" if len(dead) == 1 else "have"
            yield RULE.finding(
                Severity.INFO,
                site,
                f"{len(dead):,} of {count(total, 'input feature')} {verb} the same value in all "
                f"{count(scan.data.samples, 'sample')}; another one comes up in less than "
                f"{percent(bound)} of samples, if at all.",
                remedy=REMEDY,
                measured={
                    "dead_features": len(dead),
                    "features": total,
                    "other_values_below": bound,
                },
                threshold=dict(limits),
                units=dead,
                confidence=confidence_in(site.stats.observations),
            )


def _background(per_unit: UnitStats, share: float) -> float | None:
    """The smallest value of all, if enough features take it: black pixels, counts of nothing."""
    lowest = [low for low in per_unit.min if low is not None]
    if not lowest or lowest.count(min(lowest)) < share * len(lowest):
        return None
    return min(lowest)


RULE = Rule(
    code="DAT702",
    name="dead-features",
    needs=("forward", "input", "observations"),
    thresholds=(
        Threshold("share_of_minimum", 0.5, "our choice: columns of a table differ there"),
        Threshold("min_samples", 100, "our choice: 3/n bounds other values at 3 %"),
    ),
    check=check,
)
