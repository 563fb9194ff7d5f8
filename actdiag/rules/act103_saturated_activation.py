"""Hidden sigmoid or tanh units that sit at their ends.

## What it sees
Hidden units of a bounded function (sigmoid, tanh, their hard forms, softsign; ELU, SELU and CELU
on their flat side) for which at least nine in ten inputs lie where the slope is under 5 % of its
maximum: |x| > 4.36 for sigmoid, |x| > 2.18 for tanh.

## Why it matters
At the ends the gradient is about 0: the unit no longer learns, and what lies before it hardly
does. A unit that is always at the same end gives the next layer a constant.

## How to tell it from a healthy look-alike
A sigmoid at the output should be near 0 or 1, and gates are there to be open or shut: outputs,
gates and attention are never judged here. A unit at an end for some inputs only has learned to
switch: it takes nine inputs in ten, and a fifth of the layer's units. Where labels show that the
model works the severity goes down one step.

## What to do
Normalise the inputs, initialise with Xavier so that pre-activations start near 0, put a norm
before the function, or replace it by ReLU or GELU.

## Source
Half of a layer: Amazon SageMaker Debugger's saturated_activation (its limits on the input are much
laxer). Saturation as a share of a unit's inputs: Rakitianskaia and Engelbrecht 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Site, UnitStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, row_of
from actdiag.rules.units import counted, enough, graded
from actdiag.rules.wording import confidence_in, count, limit, named, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.functions.row import ActivationFunction

REMEDY = (
    "Bring the pre-activations back to around 0: normalise the inputs, initialise with Xavier or "
    "add a norm before the function; or use ReLU or GELU in hidden layers."
)
FLAT_BELOW = frozenset({"elu", "selu", "celu"})


def saturates(row: ActivationFunction) -> bool:
    """Whether sitting in the flat region of this function stops a unit from learning."""
    return (row.bounded and not row.clips_at_zero and row.elementwise) or row.name in FLAT_BELOW


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every hidden bounded activation with enough saturated units."""
    graph = Graph.of(scan)
    for site in scan.sites:
        row = row_of(site)
        if site.role is not Role.ACTIVATION or row is None or not saturates(row):
            continue
        if (
            graph.may_gate(site)
            or not graph.is_hidden(site)
            or not enough(site, limits)
            or site.per_unit is None
        ):
            continue
        shares = saturated_shares(site.per_unit)
        units = [unit for unit, share in shares.items() if share >= limits["of_inputs"]]
        share = len(units) / max(1, len(shares))
        severity = graded(share, limits, "error", "warning")
        if severity is not None:
            yield RULE.finding(
                severity,
                site,
                _message(site, len(units), len(shares), scan.data.samples, limits),
                remedy=REMEDY,
                measured={
                    "saturated_units": len(units),
                    "units": len(shares),
                    "share": share,
                    "saturated_fraction": site.stats.saturated_fraction,
                    "mean_slope": site.stats.mean_slope,
                    "observations": site.stats.observations,
                },
                threshold={name: limits[name] for name in ("error", "warning", "of_inputs")},
                units=units,
                confidence=confidence_in(site.stats.observations),
            )


def saturated_shares(per_unit: UnitStats) -> dict[int, float]:
    """Share of each unit's inputs that lie in a flat region; empty where that is not known."""
    ends = [side for side in (per_unit.saturated_low, per_unit.saturated_high) if side]
    if not ends:
        return {}
    return {
        unit: sum(side[unit] for side in ends) / per_unit.count[unit] for unit in counted(per_unit)
    }


def _message(site: Site, saturated: int, total: int, samples: int, limits: Limits) -> str:
    return (
        f"{saturated:,} of {count(total, 'unit')} of {named(site)} sit at an end of the function "
        f"for at least {limit(limits['of_inputs'])} of the inputs, over "
        f"{seen(samples, site.stats.observations)}: hardly any gradient passes them."
    )


RULE = Rule(
    code="ACT103",
    name="saturated-activation",
    needs=("forward", "observations"),
    thresholds=(
        Threshold("error", 0.5, "SageMaker Debugger's saturated_activation: half of a layer"),
        Threshold("warning", 0.2, "our choice: trained tanh networks that work stay below"),
        Threshold(
            "of_inputs", 0.9, "our choice, after the saturation measure of Rakitianskaia 2015"
        ),
        Threshold("min_samples", 100, "our choice: a share of nine in ten is known to ±6 points"),
    ),
    check=check,
    capacity=True,
    follows=("DAT701", "INI401", "ACT107"),
)
