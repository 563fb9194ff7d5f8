"""Steps of the optimizer that are far too large or too small for the weights.

## What it sees
The checkpoint's own optimizer state (Adam's, AdamW's, or SGD's with momentum) says which step
comes next. The rule compares the norm of that step with the norm of each weight matrix: above a
tenth, or in half of the matrices below a hundred-thousandth.

## Why it matters
A good step changes a weight by about a thousandth of its size. A tenth of it at every step is
noise that wipes out what was learnt; a hundred-thousandth leaves the weights as they were.

## How to tell it from a healthy look-alike
Schedules end near a learning rate of 0: where the state remembers the rate that it began with, the
small steps are judged by that. Biases and norms may be small against their steps, and most rows of
an embedding rest at any one step: only the matrices of layers are judged. Where labels show that
the model works it is worth knowing only.

## What to do
Divide or multiply the learning rate by ten, until the steps are about a thousandth of the weights.
Steps of next to nothing are no matter of the rate: find what keeps the gradient from the weights.

## Source
About 1e-3: Karpathy's practice (CS231n, Stanford). Limits of log10 between −4 and −1:
TheDeepChecker (Ben Braiek and Khomh 2023); the lower one here is −5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, UpdateStats
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.gradients import is_layer
from actdiag.rules.wording import listed, number

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOWER = "Divide the learning rate by ten until the steps are about a thousandth of the weights."
FASTER = "Multiply the learning rate by ten until the steps are about a thousandth of the weights."
AT_REST = (
    "Hardly any gradient reaches them, so that no learning rate would move them: find the layer "
    "that lets nothing through."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding of steps too large, or one of steps too small."""
    known = {
        weight.name: weight.update
        for weight in scan.weights
        if weight.update is not None and is_layer(weight)
    }
    large = [name for name, update in known.items() if update.ratio > limits["high"]]
    small = [name for name, update in known.items() if _at_full_rate(update) < limits["low"]]
    if large:
        yield _finding(scan, known, large, limits, large=True)
    elif len(small) > limits["share"] * len(known):
        yield _finding(scan, known, small, limits, large=False)


def _at_full_rate(update: UpdateStats) -> float:
    """The ratio as it was at the schedule's first learning rate, if that was higher."""
    if not update.initial_lr or not update.lr or abs(update.initial_lr) <= abs(update.lr):
        return update.ratio if update.lr else float("inf")
    return update.ratio * abs(update.initial_lr / update.lr)


def _finding(
    scan: Scan, known: dict[str, UpdateStats], names: list[str], limits: Limits, *, large: bool
) -> Finding:
    worst = (max if large else min)(names, key=lambda name: known[name].ratio)
    update = known[worst]
    names = sorted(names, key=lambda name: known[name].ratio, reverse=large)
    if large:
        remedy = SLOWER
    else:
        middle = known[names[len(names) // 2]].ratio
        remedy = FASTER if middle > limits["reachable"] else AT_REST
    return RULE.finding(
        Severity.INFO if harm.works(scan) else Severity.WARNING,
        None,
        f"The optimizer's steps are too {'large' if large else 'small'} for the weights: "
        f"{len(names)} of {len(known)} weight matrices move by "
        f"{'more' if large else 'less'} than {limits['high' if large else 'low']:g} of their size "
        f"per step, {listed(names)}; '{worst}' by {number(update.ratio)} at a learning rate of "
        f"{update.lr:g}.",
        remedy=remedy,
        measured={
            "ratios": {name: item.ratio for name, item in known.items()},
            "parameters": names,
            "lr": update.lr,
            "rule": update.rule,
        },
        threshold=dict(limits),
    )


RULE = Rule(
    code="GRD504",
    name="update-ratio",
    needs=("optimizer",),
    thresholds=(
        Threshold("high", 0.1, "TheDeepChecker (Ben Braiek and Khomh 2023): log10 above −1"),
        Threshold("low", 1e-5, "our choice: a tenth of TheDeepChecker's −4, which fine-tuning has"),
        Threshold("reachable", 1e-8, "our choice: below, it would take 100,000 times the rate"),
        Threshold("share", 0.5, "our choice: a layer at rest among moving ones is no mistake"),
    ),
    check=check,
    data_free=True,
)
