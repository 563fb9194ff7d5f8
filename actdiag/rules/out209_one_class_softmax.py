"""A softmax over a single class, which is always 1.

## What it sees
An output softmax all of whose values are 1, or a log-softmax all of whose values are 0.

## Why it matters
e^x / e^x is 1 whatever x is: the answer is constant, its gradient 0, and nothing is ever learned.
It comes of one output for a yes-or-no question, or of an axis of length 1.

## How to tell it from a healthy look-alike
Two and more classes never all give 1. Inside the model a softmax over one step or one key is
harmless and not judged.

## What to do
Use a sigmoid on the one output, with BCEWithLogitsLoss in training; or two outputs.

## Source
"Binary output: sigmoid" of the project's knowledge; arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, Site
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import SHARES, SOFTMAXES, Graph
from actdiag.rules.wording import count, named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Use a sigmoid on the one output (BCEWithLogitsLoss in training), or two outputs."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every output softmax that says the same thing always."""
    graph = Graph.of(scan)
    for site in scan.sites:
        if site.function in SOFTMAXES and not graph.is_hidden(site) and _is_constant(site):
            always = "1" if site.function in SHARES else "0"
            yield RULE.finding(
                Severity.ERROR,
                site,
                f"{named(site)} is taken over a single class: all of its "
                f"{count(site.stats.elements, 'value')} are {always}, whatever the input.",
                remedy=REMEDY,
                measured={"elements": site.stats.elements, "shape": list(site.shape)},
            )


def _is_constant(site: Site) -> bool:
    always = 1.0 if site.function in SHARES else 0.0
    known = site.stats.elements > 0 and not site.stats.nonfinite
    return known and site.stats.min == site.stats.max == always


RULE = Rule(
    code="OUT209",
    name="one-class-softmax",
    needs=("forward",),
    thresholds=(),
    check=check,
    data_free=True,
)
