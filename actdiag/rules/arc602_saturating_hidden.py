"""Sigmoid or tanh as the hidden activation of a deep network.

## What it sees
Three or more hidden layers whose activation is bounded (sigmoid, tanh, their hard forms,
softsign), outside recurrent cells and gates.

## Why it matters
A sigmoid passes at most a quarter of the gradient, a tanh all of it only around 0: the first
layers of a deep network learn slowly or not at all.

## How to tell it from a healthy look-alike
The gates and cells of LSTM and GRU need these functions, and so do outputs: none of them is
counted, nor is a sigmoid that opens and shuts something. Tanh networks that work are common, so
this is only worth knowing unless labels show that the model fails.

## What to do
Use ReLU or GELU in the hidden layers; or keep the function, with norms before it or residual paths
around it.

## Source
"Hidden layers: ReLU or GELU" of the project's knowledge; Glorot, Bordes and Bengio 2011. Three
layers: our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.act103_saturated_activation import saturates
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, row_of
from actdiag.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Use ReLU or GELU in the hidden layers, or put norms before these functions."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding for all such layers."""
    graph = Graph.of(scan)
    layers: dict[tuple[str, ...], Site] = {}
    for site in scan.sites:
        if _is_counted(site, graph):
            layers.setdefault(_layer(site), site)
    sites = list(layers.values())
    if len(sites) < limits["layers"]:
        return
    titles = sorted({row.title for site in sites if (row := row_of(site)) is not None})
    yield RULE.finding(
        Severity.WARNING if harm.fails(scan) else Severity.INFO,
        sites[0],
        f"{len(sites)} hidden layers use {' and '.join(titles)}: "
        f"{listed([site.name for site in sites])}. Each passes a part of the gradient only.",
        remedy=REMEDY,
        measured={"layers": [site.name for site in sites][:20], "number": len(sites)},
        threshold=dict(limits),
    )


def _layer(site: Site) -> tuple[str, ...]:
    """Which layer it is: called for step after step of a sequence it is still a single one."""
    return site.module, *(name.partition("#")[0] for name in site.inputs)


def _is_counted(site: Site, graph: Graph) -> bool:
    row = row_of(site)
    if site.role is not Role.ACTIVATION or row is None or not (row.bounded and saturates(row)):
        return False
    return graph.is_hidden(site) and not graph.may_gate(site)


RULE = Rule(
    code="ARC602",
    name="saturating-hidden",
    needs=("forward",),
    thresholds=(Threshold("layers", 3, "our choice: two sigmoids still pass 0.06 of a gradient"),),
    check=check,
    data_free=True,
)
