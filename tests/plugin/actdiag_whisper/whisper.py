"""Layers whose values are all close to zero.

## What it sees
Sites whose rms is below a hundredth.

## Why it matters
It doesn't: this rule shows how a package of its own adds one.

## How to tell it from a healthy look-alike
A site of exact zeros is dead, which ACT101 tells.

## What to do
Nothing.

## Source
An example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules import Limits, Rule, Threshold

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every quiet site."""
    for site in scan.sites:
        rms = site.stats.rms
        if rms is not None and 0 < rms < limits["rms"]:
            yield RULE.finding(
                Severity.WARNING,
                site,
                f"'{site.name}' whispers: rms {rms:.2g}.",
                remedy="Nothing.",
                measured={"rms": rms},
                threshold=dict(limits),
            )


RULE = Rule(
    code="WSP901",
    name="whisper",
    needs=("forward",),
    thresholds=(Threshold("rms", 0.01, "our choice: an example"),),
    check=check,
)
