"""A signal that fades from layer to layer until only biases are left.

## What it sees
Along the linear and convolutional layers, with no norm in between: an rms that shrinks at least
tenfold per layer over three layers in a row. The first layer past the limit is named.

## Why it matters
Of an input that is scaled down a thousandfold nothing can be told apart, and its gradient shrinks
alike: the model answers the same whatever it is asked.

## How to tell it from a healthy look-alike
A single narrow layer or a scaled-down last layer shrinks the signal once; it takes three in a
row. Layers that are exactly zero are dead, which ACT101 tells. A norm sets the scale anew. Where
labels show that the model works this is only worth knowing.

## What to do
Initialise by the scheme that the activation wants (He for ReLU, Xavier for tanh), or put norms
between the layers.

## Source
Signal propagation plots: Brock et al. 2021. The factor and the run are our choice, the mirror of
ACT107's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.chain import Step, steps_along
from actdiag.rules.graph import Graph
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Initialise by the scheme the activation wants, or add norms between the layers."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """The first layer past the limit on every path."""
    graph = Graph.of(scan)
    faded: set[str] = set()
    for step in steps_along(graph, limits["shrinks_to"]):
        if step.run < limits["layers"] or not step.rms:
            continue
        if not graph.ancestors(step.site) & faded:
            yield _finding(step, scan, limits)
        faded.add(step.site.name)


def _finding(step: Step, scan: Scan, limits: Limits) -> Finding:
    severity = Severity.WARNING
    if harm.works(scan):
        severity = Severity.INFO
    elif harm.fails(scan) or age(scan) is Age.FRESH:
        severity = Severity.ERROR
    return RULE.finding(
        severity,
        step.site,
        f"The signal fades: each of the last {count(step.run, 'layer')} shrinks it at least "
        f"{number(1 / limits['shrinks_to'])}-fold, down to rms {number(step.rms)} at "
        f"{named(step.site)}, from {number(step.start.stats.rms or 0.0)} at {named(step.start)}.",
        remedy=REMEDY,
        measured={"rms": step.rms, "start": step.start.name, "layers_shrinking": step.run},
        threshold=dict(limits),
    )


RULE = Rule(
    code="ACT108",
    name="vanishing-activations",
    needs=("forward",),
    thresholds=(
        Threshold("shrinks_to", 0.1, "our choice: PyTorch's default shrinks to about 0.5 a layer"),
        Threshold("layers", 3, "our choice: one or two narrow steps are seen in healthy networks"),
    ),
    check=check,
    follows=("INI401", "INI402"),
)
