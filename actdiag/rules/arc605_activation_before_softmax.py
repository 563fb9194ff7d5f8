"""ReLU, sigmoid or tanh on the logits.

## What it sees
An output softmax whose input is what a clipping or bounded activation gave; or a classifier whose
labels are classes and whose last operation is such an activation, so that cross-entropy takes the
softmax of it.

## Why it matters
A ReLU takes away every negative logit, so classes cannot be ruled out and the output layer can
die. Behind sigmoid or tanh the logits differ by 1 or 2 at most, so no class of ten gets more than
23 % or 45 %.

## How to tell it from a healthy look-alike
Logits capped softly (30 · tanh(x / 30), as Gemma does) are a multiple of the function and not
judged; nor are several yes-or-no labels at once, which want a sigmoid each, or an output that was
not shown to be a classifier's. Where labels show that the model works it is only worth knowing.

## What to do
Leave the last layer linear and give its values to softmax or CrossEntropyLoss.

## Source
"Multi-class output: softmax" of the project's knowledge; the bounds are arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import SOFTMAXES, Graph, final_site, gives_the_answer, row_of
from actdiag.rules.wording import named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Leave the last layer linear; give its values to softmax, or to CrossEntropyLoss."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every output softmax behind an activation, or one activation in place of logits."""
    graph = Graph.of(scan)
    severity = Severity.INFO if harm.works(scan) else Severity.WARNING
    for site in scan.sites:
        before = graph.feeding(site)
        judged = site.function in SOFTMAXES and site.verbatim and not graph.is_hidden(site)
        if judged and before is not None and _is_squashed(before):
            text = f"{named(site)} is given what {named(before)} left of the logits."
            yield _finding(severity, before, text)
    last, output = final_site(scan), scan.output
    if last is None or output is None or output.assumed or output.kind != "logits":
        return
    if _is_squashed(last) and gives_the_answer(last, output):
        text = f"The labels are classes, and {named(last)} is applied to the logits at the end."
        yield _finding(severity, last, text)


def _is_squashed(site: Site) -> bool:
    row = row_of(site)
    if site.role is not Role.ACTIVATION or row is None or not row.elementwise:
        return False
    return row.clips_at_zero or row.bounded


def _finding(severity: Severity, site: Site, text: str) -> Finding:
    return RULE.finding(
        severity,
        site,
        text,
        remedy=REMEDY,
        measured={"function": site.function, "min": site.stats.min, "max": site.stats.max},
    )


RULE = Rule(
    code="ARC605",
    name="activation-before-softmax",
    needs=("forward",),
    thresholds=(),
    check=check,
    data_free=True,
)
