"""Units that hardly say anything beside the others of their layer.

## What it sees
Units of a hidden activation whose mean size |h| is at most 2.5 % of the mean size over the layer,
and that are not silent throughout (those are ACT101's), where they are a fifth of the layer or
more.

## Why it matters
A dormant unit hardly moves the next layer, and hardly gets a gradient: the layer is narrower than
it looks. In networks that go on learning from new data their number grows, and the network loses
its ability to learn.

## How to tell it from a healthy look-alike
Peaked outputs are small for most inputs by design, and gates are there to be shut: outputs, gates
and functions over a whole row are not judged. Features that fire seldom, and strongly when they
do, have a small mean too, so this is only worth knowing.

## What to do
Nothing where the model works, or prune them. In continual or reinforcement learning: reset these
units from time to time (ReDo), or use layer norm.

## Source
Sokar, Agarwal, Castro and Evci 2023, "The Dormant Neuron Phenomenon in Deep Reinforcement
Learning": the score and its limit τ = 0.025. The fifth of a layer: our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site, UnitStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, row_of
from actdiag.rules.units import counted, enough, is_silent
from actdiag.rules.wording import confidence_in, count, limit, named, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Prune them, or reset them in training (ReDo) if the network has to go on learning."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every hidden activation with enough dormant units."""
    graph = Graph.of(scan)
    for site in scan.sites:
        per_unit, row = site.per_unit, row_of(site)
        if not _is_judged(site, graph) or not enough(site, limits) or not per_unit or not row:
            continue
        units = _dormant(per_unit, limits["share"], clips=row.clips_at_zero)
        total = len(per_unit.count)
        if units and len(units) >= limits["of_units"] * total:
            yield RULE.finding(
                Severity.INFO,
                site,
                f"{len(units):,} of {count(total, 'unit')} of {named(site)} are dormant: their "
                f"mean size is at most {limit(limits['share'])} of the layer's, over "
                f"{seen(scan.data.samples, site.stats.observations)}.",
                remedy=REMEDY,
                measured={
                    "dormant_units": len(units),
                    "units": total,
                    "observations": site.stats.observations,
                },
                threshold={name: limits[name] for name in ("share", "of_units")},
                units=units,
                confidence=confidence_in(site.stats.observations),
            )


def _is_judged(site: Site, graph: Graph) -> bool:
    row = row_of(site)
    elementwise = site.role is Role.ACTIVATION and row is not None and row.elementwise
    return elementwise and graph.is_hidden(site) and not graph.may_gate(site)


def _dormant(per_unit: UnitStats, share: float, *, clips: bool) -> list[int]:
    known = ((unit, per_unit.mean_abs[unit]) for unit in counted(per_unit))
    sizes = {unit: size for unit, size in known if size is not None}
    mean = sum(sizes.values()) / max(1, len(sizes))
    return [
        unit
        for unit, size in sizes.items()
        if size <= share * mean and not is_silent(per_unit, unit, clips=clips)
    ]


RULE = Rule(
    code="ACT102",
    name="dormant-units",
    needs=("forward", "observations"),
    thresholds=(
        Threshold("share", 0.025, "Sokar et al. 2023 (ReDo): τ = 0.025"),
        Threshold("of_units", 0.2, "our choice: a share at which the layer is clearly narrower"),
        Threshold("min_samples", 100, "our choice: a mean of a hundred is known to a tenth of std"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "INI402"),
)
