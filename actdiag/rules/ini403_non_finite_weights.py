"""NaN or infinity among the parameters or buffers.

## What it sees
Parameters and floating-point buffers that hold values which are not finite, without running the
model.

## Why it matters
Every number computed from such a weight is NaN. Training has diverged, and going on from this file
is no use.

## How to tell it from a healthy look-alike
Causal masks are kept as buffers of −inf on purpose, so infinities count in parameters and in the
running statistics of norms, but not in other buffers; NaN counts nowhere as healthy.

## What to do
Go back to an earlier checkpoint and train on with a lower learning rate, gradient clipping, or in
float32 where half precision overflowed.

## Source
IEEE 754: whatever is computed from a NaN is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, WeightStats
from actdiag.rules.base import Limits, Rule
from actdiag.rules.wording import count, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Go back to an earlier checkpoint, and train on with a lower learning rate or clipping."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding for all parameters and statistics with values that are not finite."""
    bad = [weight for weight in scan.weights if weight.nonfinite and not _may_be_a_mask(weight)]
    if not bad:
        return
    values = sum(weight.nonfinite for weight in bad)
    yield RULE.finding(
        Severity.ERROR,
        None,
        f"{count(values, 'value')} in {len(bad):,} of {count(len(scan.weights), 'weight tensor')} "
        f"are NaN or infinite: {listed([weight.name for weight in bad])}.",
        remedy=REMEDY,
        measured={
            "nonfinite": values,
            "tensors": len(bad),
            "of_tensors": len(scan.weights),
            "first": [weight.name for weight in bad[:20]],
            "modules": list(dict.fromkeys(weight.module for weight in bad)),
        },
    )


def _may_be_a_mask(weight: WeightStats) -> bool:
    return weight.kind == "buffer" and "running_" not in weight.name


RULE = Rule(
    code="INI403",
    name="non-finite-weights",
    needs=("weights",),
    thresholds=(),
    check=check,
    data_free=True,
)
