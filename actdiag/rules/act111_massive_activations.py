"""A few values thousands of times larger than all others, as large language models have them.

## What it sees
In models with attention, hidden layers with values beyond 100 that are more than 1,000 times the
median size of their layer.

## Why it matters
They act as biases that the attention rests on, nearly the same for every input: setting them to
zero destroys the model. And they spoil quantisation, whose range they take up, and half precision.

## How to tell it from a healthy look-alike
They are healthy: most large language models and vision transformers have a few, on one or two
channels. It is only worth knowing, before quantising or pruning. A layer that is large as a whole
is ACT107's matter.

## What to do
Keep these channels out of quantisation (per-channel scales, mixed precision), and never prune them.

## Source
Sun, Chen, Kolter and Liu 2024, "Massive Activations in Large Language Models": both limits.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site, SiteStats
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph
from actdiag.rules.wording import count, listed, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Leave these channels out when quantising or pruning; there is nothing to repair."
HIDDEN = frozenset({Role.LINEAR, Role.GATED_PRODUCT, Role.ATTENTION, Role.BLOCK})


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, at the first such layer."""
    if not any(site.role is Role.ATTENTION for site in scan.sites):
        return
    graph = Graph.of(scan)
    found = []
    for site in scan.sites:
        typical = median_size(site.stats) if _is_judged(site, graph) else None
        if typical and _peak(site.stats) > max(limits["size"], limits["times"] * typical):
            found.append((site, typical))
    if not found:
        return
    site, typical = found[0]
    peak, units = _peak(site.stats), _units(site, max(limits["size"], limits["times"] * typical))
    where = f" (unit {units[0]})" if len(units) == 1 else f" ({len(units)} units)" if units else ""
    others = [other.name for other, _ in found[1:]]
    more = f" So do {count(len(others), 'later layer')}: {listed(others)}." if others else ""
    yield RULE.finding(
        Severity.INFO,
        site,
        f"{named(site)} reaches {number(peak)}{where}, {number(peak / typical)} times the median "
        f"size of its values ({number(typical)}).{more}",
        remedy=REMEDY,
        measured={"largest": peak, "median_size": typical, "layers": len(found)},
        threshold=dict(limits),
        units=units,
    )


def _is_judged(site: Site, graph: Graph) -> bool:
    return site.role in HIDDEN and graph.is_hidden(site) and not site.stats.nonfinite


def _peak(stats: SiteStats) -> float:
    return max(abs(stats.min or 0.0), abs(stats.max or 0.0))


def _units(site: Site, limit: float) -> list[int]:
    if site.per_unit is None:
        return []
    ends = zip(site.per_unit.min, site.per_unit.max, strict=True)
    return [unit for unit, (low, high) in enumerate(ends) if max(-(low or 0), high or 0) > limit]


def median_size(stats: SiteStats) -> float | None:
    """The median of |x|, from the quantiles of x, between which values are taken as even."""
    known = [(value, float(level)) for level, value in stats.quantiles.items() if value is not None]
    if stats.min is None or stats.max is None or not known:
        return None
    points = sorted([(stats.min, 0.0), *known, (stats.max, 1.0)])
    low, high = 0.0, _peak(stats)
    for _ in range(60):
        middle = (low + high) / 2
        inside = _share_below(points, middle) - _share_below(points, -middle)
        low, high = (middle, high) if inside < 0.5 else (low, middle)  # noqa: PLR2004 - the median
    return high


def _share_below(points: list[tuple[float, float]], value: float) -> float:
    if value < points[0][0]:
        return 0.0
    for (left, below), (right, above) in pairwise(points):
        if left <= value < right:
            return below + (above - below) * (value - left) / (right - left)
    return 1.0


RULE = Rule(
    code="ACT111",
    name="massive-activations",
    needs=("forward",),
    thresholds=(
        Threshold("size", 100, "Sun et al. 2024: magnitude above 100"),
        Threshold("times", 1000, "Sun et al. 2024: about 1,000 times the median magnitude"),
    ),
    check=check,
)
