"""Bounded activations that multiply the gradient away, layer after layer.

## What it sees
The product, along the best path from input to output, of the measured mean slopes of the hidden
bounded activations (sigmoid, tanh and their kin): the share of a gradient that they let through.

## Why it matters
A sigmoid's slope is at most 0.25, so four ideal ones leave 0.004 of a gradient and ten leave a
millionth: the first layers learn nothing.

## How to tell it from a healthy look-alike
Alone it is only worth knowing: 27 of 46 tanh networks that work have a product below the limit,
one of 8e-7. It is an error where labels show that the model fails, a warning where they do not show
that it works or where the weights still look as they were initialised. A residual path goes around
the activations and keeps the gradient, so the best path counts. ReLU and its kin pass a gradient of
1 where they are active and are left out.

## What to do
Use ReLU or GELU in hidden layers, add norms or residual connections, or initialise with Xavier.

## Source
0.25ⁿ is arithmetic (Hochreiter 1991). The limit and the severities are our choice, from the 46
networks named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.act103_saturated_activation import saturates
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, row_of
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Use ReLU or GELU in the hidden layers, or add norms or residual connections."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if the best path to the output lets too little through."""
    graph = Graph.of(scan)
    paths: dict[str, tuple[float, tuple[Site, ...]]] = {}
    for site in scan.sites:
        arriving = [paths[name] for name in site.inputs if name in paths]
        product, passed = max(arriving, key=lambda path: path[0], default=(1.0, ()))
        if _multiplies(site, graph) and site.stats.mean_slope is not None:
            product, passed = product * site.stats.mean_slope, (*passed, site)
        paths[site.name] = product, passed
        if site.is_final and len(passed) > 1 and product < limits["product"]:
            yield _finding(product, passed, scan, limits)


def _multiplies(site: Site, graph: Graph) -> bool:
    row = row_of(site)
    if site.role is not Role.ACTIVATION or row is None or not (row.bounded and saturates(row)):
        return False
    return graph.is_hidden(site) and not graph.may_gate(site)


def _finding(product: float, passed: tuple[Site, ...], scan: Scan, limits: Limits) -> Finding:
    slopes = [site.stats.mean_slope or 0.0 for site in passed]
    return RULE.finding(
        _severity(scan),
        passed[0],
        f"{count(len(passed), 'bounded activation')} from {named(passed[0])} to "
        f"{named(passed[-1])} let {number(product)} of a gradient through: their mean slopes run "
        f"from {number(min(slopes))} to {number(max(slopes))}.",
        remedy=REMEDY,
        measured={
            "product": product,
            "activations": [site.name for site in passed],
            "mean_slopes": slopes,
        },
        threshold=dict(limits),
    )


def _severity(scan: Scan) -> Severity:
    if harm.fails(scan):
        return Severity.ERROR
    doubtful = harm.falls_short(scan) or age(scan) is Age.FRESH
    return Severity.WARNING if doubtful and not harm.works(scan) else Severity.INFO


RULE = Rule(
    code="ACT104",
    name="vanishing-slope",
    needs=("forward",),
    thresholds=(Threshold("product", 1e-3, "our choice: four ideal sigmoids give 0.004"),),
    check=check,
    follows=("DAT701", "INI401", "ACT103", "ARC602"),
)
