"""Values near the end of what their number format holds.

## What it sees
The largest |value| of any site within a factor of two of the largest number of its dtype (65,504
in float16). And values of a float32 or bfloat16 model that float16 could not hold.

## Why it matters
The next larger input makes infinity of it, and infinity soon makes NaN. A model whose values pass
65,504 cannot simply be run or served in half precision.

## How to tell it from a healthy look-alike
A model that only ever runs in float32 or bfloat16 has room up to 3e38: for it this is only worth
knowing. The data's own values are the data's matter, and what already is infinite is ACT109's.

## What to do
Run the layers named in float32 or bfloat16, normalise before them, or scale their weights down.

## Source
IEEE 754-2008: the largest numbers of the formats. Looking for them in half precision: Hugging
Face's DebugUnderflowOverflow. The factor of two: our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.wording import count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Run this layer in bfloat16 or float32, or normalise what goes into it."
HALF = 65504.0
LARGEST = {"float16": HALF, "bfloat16": 3.3895e38, "float32": 3.4028e38, "float64": 1.7976e308}


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding: at the first site near its own limit, else at the first one past float16's."""
    measured = [
        site for site in scan.sites if site.role is not Role.INPUT and site.dtype in LARGEST
    ]
    near = [site for site in measured if _peak(site) * limits["margin"] >= LARGEST[site.dtype]]
    if near:
        site = near[0]
        text = (
            f"{named(site)} reaches {number(_peak(site))}, where {site.dtype} ends at "
            f"{number(LARGEST[site.dtype])}{_others(near)}."
        )
        yield _finding(Severity.WARNING, site, near, text, limits)
        return
    wide = [site for site in measured if site.dtype != "float16" and _peak(site) > HALF]
    if wide:
        site = wide[0]
        text = (
            f"{named(site)} reaches {number(_peak(site))}, more than float16 can hold "
            f"({number(HALF)}){_others(wide)}: this model needs {site.dtype}."
        )
        yield _finding(Severity.INFO, site, wide, text, limits)


def _peak(site: Site) -> float:
    return max(abs(site.stats.min or 0.0), abs(site.stats.max or 0.0))


def _others(sites: list[Site]) -> str:
    return f", and so do {count(len(sites) - 1, 'site')} more" if len(sites) > 1 else ""


def _finding(
    severity: Severity, site: Site, alike: list[Site], text: str, limits: Limits
) -> Finding:
    return RULE.finding(
        severity,
        site,
        text,
        remedy=REMEDY,
        measured={"largest": _peak(site), "dtype": site.dtype, "sites": len(alike)},
        threshold={"margin": limits["margin"], "float16": HALF},
    )


RULE = Rule(
    code="ACT110",
    name="overflow-risk",
    needs=("forward",),
    thresholds=(
        Threshold("margin", 2, "our choice: the largest of unseen inputs is seldom twice as large"),
    ),
    check=check,
    follows=("ACT107", "DAT701", "INI401"),
)
