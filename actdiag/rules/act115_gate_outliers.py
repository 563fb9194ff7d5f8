"""Gated products whose largest values low precision cannot hold beside the ordinary ones.

## What it sees
A gated product, act(gate) times up, whose largest size is more than 10,000 times its median, in a
model that computes in float16, bfloat16 or an 8-bit format.

## Why it matters
Gate and value grow together until their product is quadratic in the input. One such channel uses up
the range of an 8-bit tensor, overflows float16, and makes everything else round to 0; training in
float8 diverges by it after many tokens.

## How to tell it from a healthy look-alike
The same values in float32 do no harm and are not told. bfloat16 has float32's range and loses
digits only, which is worth knowing; so is it where labels show that the model works as it is.

## What to do
Compute this product in float32 or bfloat16, or scale it per channel before it is quantised
(Smooth-SwiGLU); weight decay on the gate keeps it from growing.

## Source
Fishman et al. 2024, "Scaling FP8 training to trillion-token LLMs". The factor is our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.act111_massive_activations import median_size
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.wording import listed, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Compute this product in float32 or bfloat16, or scale it per channel before it is quantised."
)
NOTHING = 1e-12  # of the largest value: more than half are 0, as under ReGLU, and have no scale
LOW = ("float16", "bfloat16", "float8")


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every gated product with outliers, where it is computed in low precision."""
    for site in scan.sites:
        stats, typical = site.stats, median_size(site.stats)
        dtype = _low_precision(site, scan)
        if site.role is not Role.GATED_PRODUCT or dtype is None or not typical:
            continue
        peak = max(abs(stats.min or 0.0), abs(stats.max or 0.0))
        if peak <= limits["times"] * typical or typical < NOTHING * peak:
            continue
        units = _units(site, limits["times"] * typical)
        where = f" (units {listed([str(unit) for unit in units])})" if len(units) > 1 else ""
        where = f" (unit {units[0]})" if len(units) == 1 else where
        lossless = dtype == "bfloat16" or harm.works(scan)
        yield RULE.finding(
            Severity.INFO if lossless else Severity.WARNING,
            site,
            f"The gated product '{site.name}' reaches {number(peak)}{where}, "
            f"{number(peak / typical)} times the median size of its values ({number(typical)}), "
            f"in {dtype}.",
            remedy=REMEDY,
            measured={"largest": peak, "median_size": typical, "dtype": dtype},
            threshold=dict(limits),
            units=units,
        )


def _low_precision(site: Site, scan: Scan) -> str | None:
    """The type with few digits or a small range that the product or the model is kept in."""
    kept = (site.dtype, scan.model.dtype or "")
    return next((dtype for dtype in kept if dtype.startswith(LOW)), None)


def _units(site: Site, limit: float) -> list[int]:
    if site.per_unit is None:
        return []
    ends = zip(site.per_unit.min, site.per_unit.max, strict=True)
    return [unit for unit, (low, high) in enumerate(ends) if max(-(low or 0), high or 0) > limit]


RULE = Rule(
    code="ACT115",
    name="gate-outliers",
    needs=("forward", "gated-product"),
    thresholds=(
        Threshold("times", 1e4, "our choice: 8-bit formats hold about 5 decades, float16 about 9"),
    ),
    check=check,
    follows=("ACT107",),
)
