"""A softmax of a softmax.

## What it sees
A softmax or log-softmax whose input is what another softmax gave; or a model that ends in a
softmax, where ``--loss cross-entropy`` says that the loss takes its own.

## Why it matters
Probabilities lie between 0 and 1, so as logits they hardly differ: behind a second softmax none of
K classes can get more than e / (e + K − 1), 23 % of ten. The model cannot become sure of anything,
and its gradient is a fraction of what it should be.

## How to tell it from a healthy look-alike
A log-softmax of a log-softmax, and a softmax of one, change nothing and are not counted. The class
stays the same, so accuracy shows nothing; confidence and loss do. Attention weights that go into
a later softmax go through values first.

## What to do
Remove one of them. In training give the logits to CrossEntropyLoss, which takes its own softmax.

## Source
UMLAUT (Schoop, Huang and Hartmann 2021) looks for it; the bound is arithmetic.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, Site
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import SHARES, SOFTMAXES, Graph, final_site
from actdiag.rules.wording import named, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

LOSS = "cross-entropy"
REMEDY = "Remove one of the two; train on the logits with CrossEntropyLoss."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every softmax of shares, that of the loss too."""
    graph = Graph.of(scan)
    for site in scan.sites:
        before = graph.feeding(site)
        if site.function not in SOFTMAXES or before is None or before.function not in SHARES:
            continue
        text = f"{named(site)} is applied to what {named(before)} gave, which sums to 1 already"
        yield _finding(site, before, text)
    last, backward = final_site(scan), scan.gradients
    named_so = backward is not None and backward.loss == LOSS and not backward.assumed
    if named_so and last is not None and last.function in SHARES:
        text = f"{named(last)} gives shares that sum to 1, and {LOSS} takes the softmax of them"
        yield _finding(last, last, text)


def _finding(site: Site, first: Site, text: str) -> Finding:
    most = None
    if site.verbatim and site.units and site.units > 1:
        most = math.e / (math.e + site.units - 1)
        text += f": no class of {site.units:,} can get more than {percent(most)}"
    return RULE.finding(
        Severity.WARNING,
        site,
        f"{text}.",
        remedy=REMEDY,
        measured={"first": first.name, "largest_possible": most, "classes": site.units},
    )


RULE = Rule(
    code="OUT207",
    name="double-softmax",
    needs=("forward",),
    thresholds=(),
    check=check,
    data_free=True,
)
