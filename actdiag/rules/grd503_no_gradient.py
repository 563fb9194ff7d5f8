"""Trainable parameters that no gradient reaches.

## What it sees
Parameters that are to be trained and were used in the forward pass, whose gradient over a few
hundred samples is exactly 0 throughout, or that the loss does not depend on at all.

## Why it matters
They never change, however long one trains. A tensor was detached on the way (``.detach()``,
``.data``, ``no_grad``, numpy, ``argmax``), or everything behind the layer is dead.

## How to tell it from a healthy look-alike
A last layer that starts at zero (on purpose: zero-initialised heads, LoRA, ReZero) lets no gradient
through in the first step, has one itself, and opens up by it: what lies before such a layer is
left out. Modules that were never called are ARC607's matter; frozen parameters are not trained.
Where labels show that the model works it is worth knowing only.

## What to do
Take the ``detach``, ``.data`` or ``no_grad`` out of the forward, or revive the dead layer behind;
set ``requires_grad_(False)`` where the parameter is meant to stay.

## Source
TheDeepChecker (Ben Braiek and Khomh 2023), which checks that every parameter moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, WeightStats
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.gradients import basis, rms
from actdiag.rules.graph import Graph
from actdiag.rules.wording import count, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Look for detach(), .data, no_grad() or numpy between these parameters and the loss, and for "
    "a dead layer behind them."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, with every parameter that gets nothing."""
    known = [
        weight for weight in scan.weights if weight.gradient is not None and _used(weight, scan)
    ]
    waiting = _behind_zeros(known, scan)
    stuck = [weight for weight in known if _gets_nothing(weight) and weight.module not in waiting]
    if not stuck:
        return
    size = sum(weight.elements for weight in stuck)
    share = size / max(1, sum(weight.elements for weight in known))
    cut = [
        weight for weight in stuck if weight.gradient is not None and not weight.gradient.elements
    ]
    yield RULE.finding(
        _severity(scan, share, limits),
        None,
        f"{count(len(stuck), 'parameter')} of {len(known)} ({percent(share)} of the values to be "
        f"trained) get no gradient {basis(scan)}: {listed([weight.name for weight in stuck])}."
        + (f" The loss does not depend on {len(cut)} of them at all." if cut else ""),
        remedy=REMEDY,
        measured={
            "parameters": [weight.name for weight in stuck],
            "unconnected": [weight.name for weight in cut],
            "values": size,
            "share": share,
        },
        threshold=dict(limits),
    )


def _gets_nothing(weight: WeightStats) -> bool:
    return weight.gradient is not None and not weight.gradient.nonfinite and rms(weight) == 0


def _used(weight: WeightStats, scan: Scan) -> bool:
    return weight.module not in scan.coverage.modules_not_called


def _behind_zeros(known: list[WeightStats], scan: Scan) -> set[str]:
    """Modules upstream of a weight of zeros that is about to move."""
    zeros = {weight.module for weight in known if weight.min == weight.max == 0 and rms(weight) > 0}
    graph = Graph.of(scan)
    gates = [site for site in scan.sites if site.module in zeros]
    before = {name for site in gates for name in graph.ancestors(site)}
    return {graph.sites[name].module for name in before} - zeros


def _severity(scan: Scan, share: float, limits: Limits) -> Severity:
    if harm.works(scan):
        return Severity.INFO
    failing = harm.fails(scan) and share >= limits["error"]
    return Severity.ERROR if failing else Severity.WARNING


RULE = Rule(
    code="GRD503",
    name="no-gradient",
    needs=("gradients",),
    thresholds=(
        Threshold("error", 0.5, "our choice: half of the values cannot learn, and the model fails"),
    ),
    check=check,
    follows=("ACT101", "ACT103", "ACT106", "INI402"),
)
