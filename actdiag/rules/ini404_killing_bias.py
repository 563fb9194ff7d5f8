"""Biases so negative that the ReLU behind them can never fire.

## What it sees
Units of a clipping activation (ReLU and its kin) for which the largest possible input, each weight
taken with whichever end of its input's range gives more, is not above 0, although it would be
without the bias. A batch norm between layer and activation counts as part of the layer.

## Why it matters
Such a unit is dead for every input within the range seen, not only for those that were fed: no
gradient reaches its weights or its bias, so it stays dead.

## How to tell it from a healthy look-alike
A low bias that some input can still overcome makes a unit that fires seldom, which is fine and
common. In a fresh layer of few inputs some biases kill by chance: the severity goes down one
step there, and where labels show that the model works. Inputs outside the range seen may wake it.

## What to do
Lower the learning rate, normalise the inputs, and train again with biases that start at 0; units
of a model that works can be pruned.

## Source
Interval arithmetic (Moore 1966). The shares are those of ACT101, whose cause this is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Site, UnitStats
from actdiag.rules.base import Limits, Place, Rule, Threshold
from actdiag.rules.graph import Graph, row_of
from actdiag.rules.training import Age, age
from actdiag.rules.units import cannot_fire, graded
from actdiag.rules.wording import count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Train again with biases that start at 0, normalised inputs and a lower learning rate."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every layer with enough units that their biases kill."""
    graph = Graph.of(scan)
    untrained = age(scan) is Age.FRESH
    for site in scan.sites:
        row, per_unit = row_of(site), site.per_unit
        if site.role is not Role.ACTIVATION or row is None or per_unit is None:
            continue
        killed = _killed(per_unit) if row.clips_at_zero else []
        share = len(killed) / len(per_unit.count)
        severity = graded(share, limits, "error", "warning", "info") if killed else None
        layer = graph.layer_before(site)
        if severity is None or layer is None:
            continue
        highest = max(per_unit.input_bound[unit] or 0.0 for unit in killed)
        yield RULE.finding(
            severity.lowered() if untrained else severity,
            Place(f"{layer.module}.bias", layer.module, layer.source),
            _message(layer, site, len(killed), highest),
            remedy=REMEDY,
            measured={
                "killed_units": len(killed),
                "units": len(per_unit.count),
                "share": share,
                "highest_bound": highest,
                "lowest_bias": min(per_unit.input_bias[unit] or 0.0 for unit in killed),
            },
            threshold=dict(limits),
            units=killed,
        )


def _killed(per_unit: UnitStats) -> list[int]:
    """Units that cannot fire, and could without their bias."""
    impossible = cannot_fire(per_unit)
    known = zip(per_unit.input_bound, per_unit.input_bias, strict=True)
    return [
        unit
        for unit, (bound, bias) in enumerate(known)
        if unit in impossible and bound is not None and bias is not None and bound - bias > 0
    ]


def _message(layer: Site, site: Site, killed: int, highest: float) -> str:
    total = len(site.per_unit.count) if site.per_unit else 0
    return (
        f"The biases of {named(layer)} keep {killed:,} of {count(total, 'unit')} of {named(site)} "
        f"at or below {number(highest)} for every input within the range seen: they cannot fire."
    )


RULE = Rule(
    code="INI404",
    name="killing-bias",
    needs=("forward", "weights", "varied"),
    thresholds=(
        Threshold("error", 0.5, "SageMaker Debugger's dead_relu: half of a layer"),
        Threshold("warning", 0.2, "our choice: as ACT101, which counts what never fired"),
        Threshold("info", 0.05, "our choice: as ACT101, which counts what never fired"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "ACT107"),
)
