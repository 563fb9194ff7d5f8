"""NaN or infinity in the data.

## What it sees
Inputs that hold values which are not finite, as they were fed to the model.

## Why it matters
One NaN makes every number computed from it NaN: the sample's answer, and in training the weights.

## How to tell it from a healthy look-alike
There is none for a network without its own treatment of gaps. A mask of −inf given as an input is
no data: infinities alone, without a NaN, in an input beside others are left out.

## What to do
Fill the gaps (mean, median, a flag of their own) or leave those samples out, in the same way for
training and use.

## Source
IEEE 754: whatever is computed from a NaN is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import input_sites
from actdiag.rules.wording import named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Fill the gaps or leave those samples out, in the same way for training and use."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every input with values that are not finite."""
    inputs = input_sites(scan)
    for site in inputs:
        stats = site.stats
        if not stats.nonfinite or (len(inputs) > 1 and not stats.nan):
            continue
        yield RULE.finding(
            Severity.ERROR,
            site,
            f"{stats.nonfinite:,} of {stats.elements:,} values of {named(site)} are NaN or "
            "infinite.",
            remedy=REMEDY,
            measured={"nonfinite": stats.nonfinite, "nan": stats.nan, "elements": stats.elements},
        )


RULE = Rule(
    code="DAT703",
    name="non-finite-input",
    needs=("forward", "input"),
    thresholds=(),
    check=check,
)
