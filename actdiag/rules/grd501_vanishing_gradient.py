"""A gradient that has vanished by the time it reaches the first layer.

## What it sees
The rms of the loss's gradient at the weights of each layer, from a backward pass over a few
hundred samples: at the first layer less than a thousandth of that at the last, and less than a
ten-thousandth of the largest.

## Why it matters
A layer moves in proportion to its gradient. With a ten-thousandth of it the first layers stay as
they were initialised, while the last ones learn from what a random network makes of the data.

## How to tell it from a healthy look-alike
A small gradient everywhere is what training ends with, so layers are compared with each other
and not with a fixed size. Gradients of weights are compared, which add up over the positions of an
image; those of activations are spread thin over them. A path around the layers (residual) keeps
the gradient, whatever the slopes say. A gradient of exactly 0 is GRD503's matter. Where labels show
that the model works it is worth knowing only; where they show that it fails it is an error.

## What to do
Use ReLU or GELU in hidden layers, add norms or residual connections, initialise by He or Xavier.

## Source
First over last and first over largest: AUTOTRAINER (Zhang et al. 2021), beta 1 and 2. SageMaker
Debugger's vanishing_gradient has a fixed 1e-7, which a converged network reaches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.gradients import basis, layers, rms
from actdiag.rules.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Use ReLU or GELU in the hidden layers, add norms or residual connections, and initialise by "
    "He's or Xavier's scheme."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, of the first layer against the others."""
    found = layers(scan)
    if len(found) < 2:  # noqa: PLR2004 - a first and a last
        return
    first, last = found[0], found[-1]
    largest = max(map(rms, found))
    if not 0 < rms(first) < limits["of_largest"] * largest:
        return
    if rms(first) >= limits["of_last"] * rms(last):
        return
    yield RULE.finding(
        _severity(scan),
        None,
        f"The gradient vanishes on its way back: rms {number(rms(last))} at the last layer "
        f"('{last.name}'), {number(rms(first))} at the first ('{first.name}'), {basis(scan)}.",
        remedy=REMEDY,
        measured={
            "first": first.name,
            "last": last.name,
            "first_rms": rms(first),
            "last_rms": rms(last),
            "largest_rms": largest,
            "by_layer": {weight.name: rms(weight) for weight in found},
            "samples": scan.gradients.samples if scan.gradients is not None else 0,
        },
        threshold=dict(limits),
    )


def _severity(scan: Scan) -> Severity:
    if harm.fails(scan):
        return Severity.ERROR
    return Severity.INFO if harm.works(scan) else Severity.WARNING


RULE = Rule(
    code="GRD501",
    name="vanishing-gradient",
    needs=("gradients",),
    thresholds=(
        Threshold("of_last", 1e-3, "AUTOTRAINER's beta 1: first over last layer"),
        Threshold("of_largest", 1e-4, "AUTOTRAINER's beta 2: first over the largest"),
    ),
    check=check,
    follows=("DAT701", "INI401", "ACT103", "ACT104", "ACT108"),
)
