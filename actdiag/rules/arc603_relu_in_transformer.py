"""ReLU in the feed-forward network of a Transformer.

## What it sees
Behind an attention: a linear layer that widens, a ReLU, and a linear layer back to the width that
the first one took.

## Why it matters
GELU, SwiGLU and GeGLU are smoother, let small negative values through, and give a better loss for
the same size; a ReLU there can die as anywhere else.

## How to tell it from a healthy look-alike
The first Transformers (Vaswani et al. 2017) have it and work, and squared ReLU is a choice of its
own: it is only worth knowing, when a model is built anew.

## What to do
For a new model use GELU (``activation="gelu"`` in ``nn.TransformerEncoderLayer``) or a gated
feed-forward network. A trained model keeps what it was trained with.

## Source
"Transformer FFN: GELU, SwiGLU or GeGLU" of the project's knowledge; Hendrycks and Gimpel 2016,
Shazeer 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import Graph
from actdiag.rules.wording import count, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "For a new model use GELU or a gated feed-forward network; a trained one keeps its ReLU."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding for all such feed-forward networks."""
    graph = Graph.of(scan)
    attentions = {site.name for site in scan.sites if site.role is Role.ATTENTION}
    sites = [
        site
        for site in scan.sites
        if site.function == "relu"
        and _is_inner(site, graph)
        and not attentions.isdisjoint(graph.ancestors(site))
    ]
    if sites:
        verb = "uses" if len(sites) == 1 else "use"
        yield RULE.finding(
            Severity.INFO,
            sites[0],
            f"{count(len(sites), 'feed-forward network')} of this Transformer {verb} ReLU, where "
            f"GELU or a gated form is standard: {listed([site.name for site in sites])}.",
            remedy=REMEDY,
            measured={"sites": [site.name for site in sites][:20], "number": len(sites)},
        )


def _is_inner(site: Site, graph: Graph) -> bool:
    """Whether it stands between a layer that widens and one that narrows as much again."""
    before = graph.layer_before(site)
    if before is None or before.role is not Role.LINEAR or before.units is None:
        return False
    after = [user for user in graph.consumers(site) if user.straight and user.role is Role.LINEAR]
    widths = {producer.units for producer in graph.producers(before)}
    return any(user.units and user.units < before.units and user.units in widths for user in after)


RULE = Rule(
    code="ARC603",
    name="relu-in-transformer",
    needs=("forward",),
    thresholds=(),
    check=check,
    data_free=True,
)
