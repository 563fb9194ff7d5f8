"""NaN or infinite values, at the site that makes them.

## What it sees
The first sites whose output holds NaN or infinity while everything they were computed from is
finite. Sites that only pass such values on are not named again.

## Why it matters
One NaN reaches every number computed from it, and in training every weight: the loss is NaN from
there on.

## How to tell it from a healthy look-alike
Attention scores of −inf are a mask: infinities without a NaN that go into a softmax or an
attention are not counted. NaN in the data itself is DAT703's matter, NaN in the weights INI403's.

## What to do
Look at the operation named: a logarithm or root of 0 or less, a division by 0, an overflow of
half precision. Clamp its argument, or compute in float32.

## Source
IEEE 754; pytorch issue 182156 on telling who made a NaN from who passed it on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import Graph
from actdiag.rules.wording import count, named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Clamp the argument of the operation that makes them (logarithm, root, division), or compute "
    "it in float32."
)
TAKES_MASKS = frozenset({"softmax", "log_softmax", "softmin"})


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every site that makes non-finite values."""
    graph = Graph.of(scan)
    bad = {site.name for site in scan.sites if site.stats.nonfinite and not _is_mask(site, graph)}
    for site in scan.sites:
        if site.name not in bad or site.role is Role.INPUT:
            continue
        if graph.ancestors(site) & bad or (not site.inputs and _after(site, bad, graph)):
            continue
        yield _finding(site, graph, scan)


def _after(site: Site, bad: set[str], graph: Graph) -> bool:
    """Whether another bad site came earlier; asked where what feeds this one is not known."""
    order = graph.order()
    return any(order[name] < order[site.name] for name in bad)


def _is_mask(site: Site, graph: Graph) -> bool:
    if site.stats.nan:
        return False
    users = graph.consumers(site)
    masks = [user.role is Role.ATTENTION or user.function in TAKES_MASKS for user in users]
    return site.role is Role.ATTENTION or (bool(masks) and all(masks))


def _finding(site: Site, graph: Graph, scan: Scan) -> Finding:
    stats = site.stats
    infinite = stats.nonfinite - stats.nan
    kinds = [f"{stats.nan:,} NaN"] if stats.nan else []
    kinds += [count(infinite, "infinity")] if infinite else []
    what = " and ".join(kinds)
    producers = [named(producer) for producer in graph.producers(site)]
    if stats.input_nonfinite or not site.straight:
        origin = f"they arise between {' and '.join(producers) or 'the start'} and here"
    elif producers:
        origin = f"what comes from {' and '.join(producers)} is finite"
    else:
        origin = "nothing before it has any"
    return RULE.finding(
        Severity.WARNING if harm.works(scan) else Severity.ERROR,
        site,
        f"{named(site)} is the first to hold {what} among {stats.elements:,} values; {origin}.",
        remedy=REMEDY,
        measured={
            "nonfinite": stats.nonfinite,
            "nan": stats.nan,
            "elements": stats.elements,
            "input_nonfinite": stats.input_nonfinite,
        },
        confidence=Confidence.MEDIUM if scan.data.synthetic else Confidence.HIGH,
    )


RULE = Rule(
    code="ACT109",
    name="non-finite",
    needs=("forward",),
    thresholds=(),
    check=check,
    data_free=True,  # a NaN from ordinary random numbers is a NaN
    follows=("ATT304", "ACT107", "INI401", "INI403", "DAT703"),
)
