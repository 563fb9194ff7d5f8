"""Gates of an LSTM or GRU that hardly ever leave their ends.

## What it sees
Gates of recurrent layers for which at least half of the units are below 0.01 or above 0.99 on at
least 85 % of the steps, and candidates (and the units of a plain RNN) whose tanh is saturated as
often. A unit that jumps from one end to the other counts. The gates are computed again for a
spread of steps of the early samples and of some later ones; the finding says how many.

## Why it matters
A gate at its end has no gradient: what it lets through is fixed. Stuck input gates shut the data
out, stuck forget gates lose or freeze the state, and the layer is no better than a fixed filter.

## How to tell it from a healthy look-alike
Gates are there to open and shut, and trained ones are often at an end for some steps: it takes
85 % of the steps and half of the units. Forget gates (a GRU's update gates) that stay open keep the
state, as their initialisation means them to: worth knowing only. Where labels show that the model
works the severity goes down one step.

## What to do
Normalise the sequences, initialise again (orthogonal recurrent weights, forget bias 1), clip the
gradient, lower the learning rate.

## Source
"LSTM gates are sigmoids" of the project's knowledge; forget bias 1: Jozefowicz et al. 2015. The
shares are our choice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site, UnitStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph
from actdiag.rules.units import counted, enough
from actdiag.rules.wording import confidence_in, count, limit

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Normalise the sequences and train again from a fresh initialisation, with a clipped gradient "
    "and a lower learning rate."
)
PART = re.compile(r"/(\w+_gate|cell|new|tanh)(\.l\d+)?(_reverse)?$")
KEEPS_STATE = frozenset({"forget_gate", "update_gate"})


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every gate or candidate with enough stuck units."""
    graph = Graph.of(scan)
    for site in scan.sites:
        part = _part(site, graph)
        if part is None or not enough(site, limits) or site.per_unit is None:
            continue
        low, high = _at_ends(site.per_unit)
        stuck = _often(site.per_unit, [a + b for a, b in zip(low, high, strict=True)], limits)
        if not stuck or len(stuck) < limits["of_units"] * len(low):
            continue
        is_open = part in KEEPS_STATE and len(_often(site.per_unit, high, limits)) == len(stuck)
        yield RULE.finding(
            Severity.INFO if is_open else Severity.WARNING,
            site,
            _message(site, len(stuck), part, limits, is_open=is_open),
            remedy="Nothing, if the layer is meant to keep its state." if is_open else REMEDY,
            measured={
                "stuck_units": len(stuck),
                "units": len(low),
                "open": sum(high) / max(1, sum(site.per_unit.count)),
                "shut": sum(low) / max(1, sum(site.per_unit.count)),
                "observations": site.stats.observations,
            },
            threshold={"of_steps": limits["of_steps"], "of_units": limits["of_units"]},
            units=stuck,
            confidence=confidence_in(site.stats.observations),
        )


def _part(site: Site, graph: Graph) -> str | None:
    """Which gate or candidate of a recurrent layer the site is, if it is one."""
    found = PART.search(site.name)
    inside = any(layer.role is Role.RECURRENT for layer in graph.producers(site))
    return found[1] if found and inside and site.role is Role.GATE else None


def _at_ends(per_unit: UnitStats) -> tuple[tuple[int, ...], tuple[int, ...]]:
    none = (0,) * len(per_unit.count)
    return per_unit.saturated_low or none, per_unit.saturated_high or none


def _often(per_unit: UnitStats, counts: tuple[int, ...] | list[int], limits: Limits) -> list[int]:
    share = limits["of_steps"]
    return [unit for unit in counted(per_unit) if counts[unit] >= share * per_unit.count[unit]]


def _message(site: Site, stuck: int, part: str, limits: Limits, *, is_open: bool) -> str:
    ends = "below 0.01 or above 0.99" if part.endswith("_gate") else "saturated"
    ends = "above 0.99, so that they keep the state," if is_open else ends
    per_unit = site.per_unit
    total = 0 if per_unit is None else len(per_unit.count)
    return (
        f"{stuck:,} of {count(total, 'unit')} of '{site.name}' ({site.module_class}) are {ends} on "
        f"at least {limit(limits['of_steps'])} of {count(site.stats.observations, 'step')}."
    )


RULE = Rule(
    code="ACT116",
    name="recurrent-gates-stuck",
    needs=("forward", "observations"),
    thresholds=(
        Threshold("of_steps", 0.85, "our choice: trained gates are at an end for some steps only"),
        Threshold("of_units", 0.5, "our choice: half of the layer, as for other saturated units"),
        Threshold("min_samples", 100, "our choice: a share of 85 % is known to ±7 points"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "ACT107"),
)
