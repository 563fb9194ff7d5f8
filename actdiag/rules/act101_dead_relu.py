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

from actdiag.records import Finding, Role, Scan, Site
from actdiag.rules.base import UNITS_SHOWN, Limits, Rule, Threshold
from actdiag.rules.dead import Dead, looked_at, told
from actdiag.rules.graph import ACTIVE, Graph, row_of
from actdiag.rules.training import Age, age
from actdiag.rules.units import dead_units, enough, firing_bound, graded
from actdiag.rules.wording import confidence_in, count, named, rarely, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Normalise the inputs, lower the learning rate and train again, or replace the function by "
    "LeakyReLU so that negative inputs keep a gradient."
)
OF_FEW = "Nothing, where the model does its job: so few dead units can be pruned, or left."


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
        units = dead_units(site.per_unit, clips=row.clips_at_zero)
        share = len(units) / len(site.per_unit.count)
        severity = graded(share, limits, "error", "warning", "info") if units else None
        if severity is None:
            continue
        if untrained and share < limits["lost"]:
            severity = severity.lowered()
        source = graph.source_of_units(site)
        dead = [looked_at(site.per_unit, unit, source) for unit in units]
        yield RULE.finding(
            severity,
            site,
            _message(site, dead, scan.data.samples, limits),
            remedy=REMEDY if share >= limits["warning"] else OF_FEW,
            measured=_measured(site, dead, scan, limits),
            threshold={name: limits[name] for name in ("error", "warning", "info")},
            units=units,
            confidence=confidence_in(site.stats.observations),
        )


def _measured(site: Site, dead: list[Dead], scan: Scan, limits: Limits) -> dict[str, object]:
    total = len(site.per_unit.count) if site.per_unit else 0
    margins = [one.margin for one in dead if one.margin is not None]
    shown = dead[:UNITS_SHOWN]
    return {
        "dead_units": len(dead),
        "units": total,
        "share": len(dead) / total,
        "observations": site.stats.observations,
        "samples": scan.data.samples,
        "firing_rate_below": firing_bound(scan.data.samples),
        "units_that_cannot_fire": sum(one.cannot_fire for one in dead),
        "bound_known": any(one.bound is not None for one in dead),
        "far_below_units": sum(margin >= limits["far_below"] for margin in margins),
        "median_margin_std": median(margins) if margins else None,
        "margins_std": [one.margin for one in shown],
        "bounds": [one.bound for one in shown],
        "bound_margins_std": [one.bound_margin for one in shown],
    }


def _message(site: Site, dead: list[Dead], samples: int, limits: Limits) -> str:
    total = len(site.per_unit.count) if site.per_unit else 0
    share = 2 * len(dead) / total
    state = "dead" if len(dead) == total else "mostly dead" if share >= 1 else "partly dead"
    never = "never fires" if len(dead) == 1 else "never fire"
    text = (
        f"{len(dead):,} of {count(total, 'unit')} {never} on "
        f"{seen(samples, site.stats.observations)}: layer {named(site)} is {state}. "
        f"{rarely(samples, len(dead))}"
    )
    return text + told(dead, limits["far_below"])


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
