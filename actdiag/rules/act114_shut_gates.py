"""Gates of a gated feed-forward network that let nothing through.

## What it sees
Units of a gate (SwiGLU, GeGLU, ReGLU, GLU) whose activation is nearer to 0 than 0.01 on at least
99 % of the tokens, because their inputs lie on the flat side of the function. Half of a layer is a
warning, nine in ten an error.

## Why it matters
What a shut gate is multiplied with is lost, and neither branch gets a gradient through it: the
unit's columns in all three matrices are paid for and not used.

## How to tell it from a healthy look-alike
Gates are meant to be shut for many tokens: healthy ones have been measured with 77 to 88 % of
their values below 0.01, so units are counted and never values. A gate whose inputs are small and of
both signs gives small values without being shut. Where labels show that the model works the
severity goes down one step.

## What to do
Look at the scale of the gate's matrix and of its input; a norm before the network, a lower learning
rate or less weight decay on the gate keep it open. A model that works can be pruned by these units.

## Source
The shares are our choice; the healthy gates are those of CHGNet, measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import row_of
from actdiag.rules.units import counted, enough, graded
from actdiag.rules.wording import confidence_in, count, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Finding, Scan, Site, UnitStats

REMEDY = (
    "Check the scale of the gate's matrix and of its input; put a norm before the network or lower "
    "the learning rate, then train again."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every gate of a gated feed-forward network with enough shut units."""
    sites = {site.name: site for site in scan.sites}
    for unit in scan.gated:
        site = sites.get(unit.gate or "")
        if site is None or site.per_unit is None or not site.per_unit.shut:
            continue
        if not enough(site, limits):
            continue
        shut = _shut(site, site.per_unit, limits)
        total = len(site.per_unit.count)
        severity = graded(len(shut) / total, limits, "error", "warning")
        if severity is None:
            continue
        yield RULE.finding(
            severity,
            site,
            f"{len(shut)} of {count(total, 'gate')} of {named(site)} are shut: they let less than "
            f"a hundredth through on at least {100 * limits['of_tokens']:g} % of "
            f"{count(site.stats.observations, 'position')}.",
            remedy=REMEDY,
            measured={
                "shut_units": len(shut),
                "units": total,
                "share": len(shut) / total,
                "observations": site.stats.observations,
            },
            threshold={name: limits[name] for name in ("error", "warning", "of_tokens")},
            units=shut,
            confidence=confidence_in(site.stats.observations),
        )


def _shut(site: Site, per_unit: UnitStats, limits: Limits) -> list[int]:
    """Units that are shut nearly always; where the function has a negative side, by lying there."""
    row = row_of(site)
    signed = row is not None and row.output_range[0] < 0
    often = limits["of_tokens"]
    return [
        unit
        for unit in counted(per_unit)
        if per_unit.shut[unit] >= often * per_unit.count[unit]
        and (not signed or per_unit.positive[unit] <= (1 - often) * per_unit.count[unit])
    ]


RULE = Rule(
    code="ACT114",
    name="shut-gates",
    needs=("forward", "observations"),
    thresholds=(
        Threshold("error", 0.9, "our choice: hardly anything passes the network"),
        Threshold("warning", 0.5, "our choice: half of a layer, as for other idle units"),
        Threshold("of_tokens", 0.99, "our choice: CHGNet's healthy gates are shut for 77 to 88 %"),
        Threshold("min_samples", 100, "our choice: 3/n bounds open gates at 3 %"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "ACT107"),
)
