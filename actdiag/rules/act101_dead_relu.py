"""Units of a clipping activation that never fire.

## What it sees
Units of a function that clips at zero (ReLU, ReLU6, squared ReLU) that are never above 0 over all
the data, and units of any other activation function that are exactly 0 throughout. It tells those
that never fired on this data from those that cannot fire: whose weights keep the function's input
at or below zero for every input of the layer within the range seen (interval bound). And it says
how far below zero the largest input of each dead unit lies, in standard deviations of that input.

## Why it matters
A unit whose input is always negative has gradient 0 and never learns again. Half a layer dead is
half a layer paid for and not used; a whole layer dead makes the model answer the same whatever
it is asked.

## How to tell it from a healthy look-alike
Zeros are not death: a layer may be 95 % zeros with every unit firing for some sample, so units are
counted, never elements. A unit that fires in one batch of eight is alive, so the whole data is
counted, not the last batch. Data sorted by class, or mostly padding, shows fewer features: the
message says on how many samples n the claim rests, and for what share of samples the units may
still fire: less than 3/n at 95 % (the rule of three). Networks as they were initialised have dead
units that training wakes up (PyTorch's defaults: half of the sixth layer), so the severity goes
down one step there unless nine in ten are dead; and likewise where labels show that the model
works, or the sample holds few of its classes.

## What to do
Normalise the inputs and lower the learning rate, then train again; or use Leaky ReLU, whose
negative side keeps a gradient. Trained models that work can be pruned by these units.

## Source
Half of a layer: Amazon SageMaker Debugger's dead_relu. A fifth and a twentieth: practice of Keras
and fastai users (activation histograms), our choice. Rule of three: Hanley and Lippman-Hand 1983.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Site, UnitStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import ACTIVE, Graph, row_of
from actdiag.rules.training import Age, age
from actdiag.rules.units import cannot_fire, dead_units, enough, firing_bound, graded
from actdiag.rules.wording import confidence_in, count, named, rarely, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Normalise the inputs, lower the learning rate and train again, or replace the function by "
    "LeakyReLU so that negative inputs keep a gradient."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every activation site with enough dead units."""
    graph = Graph.of(scan)
    untrained = age(scan) is Age.FRESH
    for site in scan.sites:
        row = row_of(site)
        if site.role not in ACTIVE or row is None or not row.elementwise or not site.per_unit:
            continue
        if site.role is Role.GATE or not enough(site, limits):
            continue
        dead = dead_units(site.per_unit, clips=row.clips_at_zero)
        share = len(dead) / len(site.per_unit.count)
        severity = graded(share, limits, "error", "warning", "info") if dead else None
        if severity is None:
            continue
        if untrained and share < limits["lost"]:
            severity = severity.lowered()
        margins = _margins(site.per_unit, graph.source_of_units(site), dead)
        observations = site.stats.observations
        impossible = cannot_fire(site.per_unit)
        yield RULE.finding(
            severity,
            site,
            _message(site, dead, margins, scan.data.samples, limits),
            remedy=REMEDY,
            measured={
                "dead_units": len(dead),
                "units": len(site.per_unit.count),
                "share": share,
                "observations": observations,
                "samples": scan.data.samples,
                "firing_rate_below": firing_bound(scan.data.samples),
                "units_that_cannot_fire": len(impossible.intersection(dead)),
                "bound_known": any(bound is not None for bound in site.per_unit.input_bound),
                "far_below_units": sum(margin >= limits["far_below"] for margin in margins),
                "median_margin_std": median(margins) if margins else None,
            },
            threshold={name: limits[name] for name in ("error", "warning", "info")},
            units=dead,
            confidence=confidence_in(observations),
        )


def _margins(per_unit: UnitStats, source: Site | None, dead: list[int]) -> list[float]:
    """How many standard deviations below zero the largest input of each dead unit lies."""
    if source is None or source.per_unit is None or not per_unit.input_max:
        return []
    margins = []
    for unit in dead:
        largest, spread = per_unit.input_max[unit], source.per_unit.std[unit]
        if largest is not None and spread:
            margins.append(max(-largest, 0.0) / spread)
    return margins


def _message(
    site: Site, dead: list[int], margins: list[float], samples: int, limits: Limits
) -> str:
    total = len(site.per_unit.count) if site.per_unit else 0
    observations = site.stats.observations
    state = (
        "dead" if len(dead) == total else "mostly dead" if 2 * len(dead) >= total else "partly dead"
    )
    text = (
        f"{len(dead):,} of {count(total, 'unit')} never fire on {seen(samples, observations)}: "
        f"layer {named(site)} is {state}. {rarely(samples)}"
    )
    impossible = cannot_fire(site.per_unit).intersection(dead) if site.per_unit else ()
    if impossible:
        text += (
            f" {len(impossible):,} of them cannot fire whatever the input within the range seen: "
            "their weights keep them below zero."
        )
    far = sum(margin >= limits["far_below"] for margin in margins)
    if far:
        text += (
            f" {far:,} of them stay more than {limits['far_below']:g} standard deviations below "
            "zero."
        )
    return text


RULE = Rule(
    code="ACT101",
    name="dead-relu",
    needs=("forward", "observations"),
    thresholds=(
        Threshold("error", 0.5, "SageMaker Debugger's dead_relu: half of a layer"),
        Threshold("warning", 0.2, "our choice: working MNIST CNNs have up to 35 % dead units"),
        Threshold("info", 0.05, "our choice: below, pruning is not worth a line of a report"),
        Threshold("lost", 0.9, "our choice: PyTorch's defaults kill up to 60 % six layers deep"),
        Threshold("far_below", 3, "our choice: a normal input reaches that once in 740 times"),
        Threshold("min_samples", 100, "our choice: 3/n bounds the firing rate at 3 %"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "INI402", "INI404", "ACT107", "ACT101"),
)
