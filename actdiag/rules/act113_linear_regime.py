"""An activation that bends nothing on this data.

## What it sees
Hidden activations at least nine in ten units of which get 99 % of their inputs where the function
is a straight line: a ReLU that is always on, a tanh around 0, a GELU or SiLU far above 0.

## Why it matters
The layers around it collapse into one: W2(W1 x + b1) + b2 is W'x + b'. The model can do no more
than a shallower one, and pays for the depth.

## How to tell it from a healthy look-alike
Some units of any layer are always on. A final activation on positive targets has nothing to bend
and is not judged. Where labels show that the model works the severity goes down one step: the task
may be that simple.

## What to do
Look at the scale of the layer before: pre-activations should spread around 0 with a deviation of
about 1. Normalise the inputs, or initialise again.

## Source
"Linear layers collapse" of the project's knowledge. The shares are our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, row_of
from actdiag.rules.units import counted, enough
from actdiag.rules.wording import confidence_in, count, limit, named, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Bring the pre-activations to around 0 with a deviation of about 1, by a norm before it."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every hidden activation that is linear on this data."""
    graph = Graph.of(scan)
    for site in scan.sites:
        row, per_unit = row_of(site), site.per_unit
        if site.role is not Role.ACTIVATION or row is None or not row.elementwise:
            continue
        if per_unit is None or not per_unit.linear or not enough(site, limits):
            continue
        if not graph.is_hidden(site):
            continue
        share = limits["of_inputs"]
        units = [
            unit
            for unit in counted(per_unit)
            if per_unit.linear[unit] >= share * per_unit.count[unit]
        ]
        total = len(per_unit.count)
        if len(units) >= limits["of_units"] * total:
            yield RULE.finding(
                Severity.WARNING,
                site,
                f"{named(site)} bends nothing: {len(units):,} of {count(total, 'unit')} get at "
                f"least {limit(share)} of their inputs where it is a straight line, over "
                f"{seen(scan.data.samples, site.stats.observations)}.",
                remedy=REMEDY,
                measured={
                    "linear_units": len(units),
                    "units": total,
                    "linear_fraction": site.stats.linear_fraction,
                },
                threshold={"of_inputs": share, "of_units": limits["of_units"]},
                units=units,
                confidence=confidence_in(site.stats.observations),
            )


RULE = Rule(
    code="ACT113",
    name="linear-regime",
    needs=("forward", "observations"),
    thresholds=(
        Threshold("of_inputs", 0.99, "our choice: one input in a hundred is bent at most"),
        Threshold("of_units", 0.9, "our choice: up to half of a healthy layer is always on"),
        Threshold("min_samples", 100, "our choice: a share of 99 % needs a hundred to show"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401"),
)
