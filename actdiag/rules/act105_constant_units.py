"""Hidden units that always give the same non-zero value.

## What it sees
Units of a hidden layer whose standard deviation over all samples and positions is at most a
millionth of their mean, and that are not zero (units that are zero throughout are ACT101's).
Judged where the layer's work is done: at activations and recurrent layers, and at linear and
convolutional layers that no activation follows.

## Why it matters
A constant carries no information: it is a bias that costs a row of weights. Many of them mean
that what feeds the layer is constant, saturated or cut off from the input.

## How to tell it from a healthy look-alike
A few channels that encode a position or mark padding are constant by design: it takes a fifth of
the layer's units. The same samples over and over make everything constant: the input is checked
first. Outputs are OUT201's matter.

## What to do
Look at the layer before: saturated or dead units and unnormalised inputs come first in the
report. Where nothing before is wrong the layer is too wide for the task.

## Source
Constant activations as a symptom: TheDeepChecker (Ben Braiek and Khomh 2023). A fifth: our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site, UnitStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, is_weight_layer, row_of
from actdiag.rules.units import counted, enough, firing_bound
from actdiag.rules.wording import confidence_in, count, named, percent, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Find out what cuts this layer off from the input: dead or saturated units before it."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every hidden layer with enough constant units."""
    graph = Graph.of(scan)
    for site in scan.sites:
        if not _is_judged(site, graph) or not enough(site, limits) or site.per_unit is None:
            continue
        units = _constant(site.per_unit, limits["relative_std"])
        share = len(units) / len(site.per_unit.count)
        if share >= limits["warning"]:
            observations, bound = site.stats.observations, firing_bound(scan.data.samples)
            total = count(len(site.per_unit.count), "unit")
            yield RULE.finding(
                Severity.WARNING,
                site,
                f"{len(units):,} of {total} of {named(site)} give "
                f"the same value on all of {seen(scan.data.samples, observations)}; another value "
                f"comes up in less than {percent(bound)} of samples, if at all.",
                remedy=REMEDY,
                measured={
                    "constant_units": len(units),
                    "units": len(site.per_unit.count),
                    "share": share,
                    "observations": observations,
                    "other_values_below": bound,
                },
                threshold={name: limits[name] for name in ("warning", "relative_std")},
                units=units,
                confidence=confidence_in(observations),
            )


def _is_judged(site: Site, graph: Graph) -> bool:
    if not graph.is_hidden(site) or graph.may_gate(site):
        return False
    if site.role is Role.ACTIVATION:
        row = row_of(site)
        return row is not None and row.elementwise
    if site.role is Role.RECURRENT:
        return True
    return is_weight_layer(site) and graph.known and graph.activation_after(site) is None


def _constant(per_unit: UnitStats, relative: float) -> list[int]:
    units = []
    for unit in counted(per_unit):
        mean, std = per_unit.mean[unit], per_unit.std[unit]
        if (
            mean
            and std is not None
            and not per_unit.nonfinite[unit]
            and std <= relative * abs(mean)
        ):
            units.append(unit)
    return units


RULE = Rule(
    code="ACT105",
    name="constant-units",
    needs=("forward", "samples", "observations"),
    thresholds=(
        Threshold("warning", 0.2, "our choice: positional and padding channels stay below"),
        Threshold("relative_std", 1e-6, "our choice: a few roundings of float32, which are 6e-8"),
        Threshold("min_samples", 100, "our choice: 3/n bounds the rate of other values at 3 %"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "INI402", "ACT101", "ACT103", "ACT106"),
)
