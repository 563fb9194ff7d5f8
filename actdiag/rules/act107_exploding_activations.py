"""Values that grow from layer to layer until nothing can be learned from them.

## What it sees
Along the linear and convolutional layers, with no norm in between: an rms that grows at least
tenfold per layer over three layers in a row, or that exceeds ten thousand times the rms of the
input (or of the norm) that the path starts from. The first layer past the limit is named.

## Why it matters
The gradient of such a layer is as large as its values: a step of ordinary learning rate throws
the weights away, the loss becomes NaN, softmax puts everything on one class.

## How to tell it from a healthy look-alike
ReLU networks are scale-free: trained ones that work reach values of 850 and 8,875 from inputs of
1. Raw inputs of 1,000 give values of 1,000, so the path's own start is the unit of measure, though
never less than 1; token ids have no scale, so the embedding is the start. A norm sets the scale
anew. Where labels show that the model works this is only worth knowing.

## What to do
Initialise by the scheme that the activation wants (He for ReLU, Xavier for tanh), lower the
learning rate or clip the gradient, or put norms between the layers.

## Source
Mean |output| above 10 is AUTOTRAINER's sign (Zhang et al. 2021), too crude alone. The factors are
our choice, above what the healthy models named here show.
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

REMEDY = (
    "Initialise by the scheme the activation wants, lower the learning rate, or add norms between "
    "the layers."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """The first layer past the limit on every path."""
    graph = Graph.of(scan)
    exploded: set[str] = set()
    for step in steps_along(graph, limits["growth"]):
        ratio = step.rms / step.start_rms
        run = step.run >= limits["layers"] and step.rms >= limits["floor"] * step.start_rms
        if not run and ratio <= limits["ratio"]:
            continue
        if not graph.ancestors(step.site) & exploded:
            yield _finding(step, scan, limits, run=run)
        exploded.add(step.site.name)


def _finding(step: Step, scan: Scan, limits: Limits, *, run: bool) -> Finding:
    ratio = step.rms / step.start_rms
    return RULE.finding(
        _severity(scan, ratio, limits),
        step.site,
        f"Values grow ×{number(ratio)} over {count(step.depth, 'layer')}, from rms "
        f"{number(step.start_rms)} at {named(step.start)} to {number(step.rms)} at "
        f"{named(step.site)}, with no norm in between.",
        remedy=REMEDY,
        measured={
            "rms": step.rms,
            "start_rms": step.start_rms,
            "start": step.start.name,
            "ratio": ratio,
            "layers": step.depth,
            "growth_per_layer": ratio ** (1 / step.depth),
            "layers_growing": step.run,
        },
        threshold={"growth": limits["growth"], "layers": limits["layers"]}
        if run
        else {"ratio": limits["ratio"]},
    )


def _severity(scan: Scan, ratio: float, limits: Limits) -> Severity:
    if harm.works(scan):
        return Severity.INFO
    broken = harm.fails(scan) or ratio > limits["broken"] or age(scan) is Age.FRESH
    return Severity.ERROR if broken else Severity.WARNING


RULE = Rule(
    code="ACT107",
    name="exploding-activations",
    needs=("forward",),
    thresholds=(
        Threshold("growth", 10, "our choice: He keeps 1, N(0, 1) at width 256 with ReLU gives 11"),
        Threshold("layers", 3, "our choice: one or two wide steps are seen in healthy networks"),
        Threshold("floor", 100, "our choice: a bias on a tiny signal grows too, to about 1"),
        Threshold("ratio", 1e4, "our choice: torchcrepe works and its ReLU reaches 8,875"),
        Threshold("broken", 1e8, "our choice: its square no longer leaves float32 any precision"),
    ),
    check=check,
    follows=("INI401", "INI402", "INI403"),
)
