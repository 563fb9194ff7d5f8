"""Layers with weights that this data never reached.

## What it sees
Modules that hold parameters, have no modules of their own, and were not called by any batch.

## Why it matters
They cost memory and loading time, get no gradient, and often are a forgotten line in ``forward``.
What was not called was not checked either.

## How to tell it from a healthy look-alike
Heads that are used in training only, branches that this kind of input does not take, and layers
whose weight is used by another function are not called and are fine: it is only worth knowing.

## What to do
Call them in ``forward``, or remove them; if they belong to another input, scan with that too.

## Source
Our choice: no threshold, a call is a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule
from actdiag.rules.wording import count, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Call them in forward or remove them; if they belong to another input, scan with that."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding for all modules that were not called."""
    sizes = {module.name: module.parameters for module in scan.modules}
    unused = [name for name in scan.coverage.modules_not_called if sizes.get(name)]
    if not unused or scan.coverage.failure is not None:
        return
    parameters = sum(sizes[name] for name in unused)
    verb = "was" if len(unused) == 1 else "were"
    yield RULE.finding(
        Severity.INFO,
        None,
        f"{count(len(unused), 'module')} with {count(parameters, 'parameter')} {verb} never called "
        f"on this data: {listed(unused)}.",
        remedy=REMEDY,
        measured={"modules": unused[:20], "number": len(unused), "parameters": parameters},
        confidence=Confidence.MEDIUM,
    )


RULE = Rule(
    code="ARC607",
    name="unused-modules",
    needs=("forward", "modules"),
    thresholds=(),
    check=check,
)
