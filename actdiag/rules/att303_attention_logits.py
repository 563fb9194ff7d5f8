"""Attention logits that are too large.

## What it sees
The largest product of a query and a key, after the scale and the bias and without masked keys, of
every attention, over a part of the queries: above 100, and above 1,000.

## Why it matters
A softmax over such numbers is a choice of one key and passes no gradient. Logits that grow during
training go before loss spikes, and half precision ends at 65,504.

## How to tell it from a healthy look-alike
Logits of a few tens are normal in trained models. Masks are left out, whatever number hides a key.
Where labels show that the model works the severity goes down one step.

## What to do
Check that scores are divided by the root of the head's width; normalise queries and keys
(QK-norm), clip their weights as logits grow (QK-clip), lower the learning rate.

## Source
QK-clip's threshold τ = 100, and loss spikes at logits past 1,000: Kimi K2 technical report, 2025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.heads import attentions, on_queries, softened
from actdiag.rules.units import graded
from actdiag.rules.wording import count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Finding, Scan

REMEDY = (
    "Check the scale of the scores (1/√width of a head), and normalise queries and keys before "
    "their product (QK-norm)."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every attention with a logit beyond a limit."""
    for site, attention in attentions(scan):
        known = [
            (logit, head) for head, logit in enumerate(attention.max_logit) if logit is not None
        ]
        largest, worst = max(known, default=(0.0, 0))
        severity = graded(largest, limits, "error", "warning")
        if severity is None:
            continue
        heads = [head for logit, head in sorted(known, reverse=True) if logit > limits["warning"]]
        yield RULE.finding(
            softened(severity, scan),
            site,
            f"The logits of {named(site)} reach {number(largest)} (head {worst}): "
            f"{len(heads)} of {count(attention.heads, 'head')} exceed {number(limits['warning'])}, "
            f"over {on_queries(attention)} each.",
            remedy=REMEDY,
            measured={
                "max_logit": largest,
                "head": worst,
                "heads_beyond": len(heads),
                "heads": attention.heads,
                "queries": attention.queries,
            },
            threshold=dict(limits),
            units=heads,
        )


RULE = Rule(
    code="ATT303",
    name="attention-logits",
    needs=("forward",),
    thresholds=(
        Threshold("warning", 100, "QK-clip's τ = 100, Kimi K2 technical report 2025"),
        Threshold("error", 1000, "loss spikes past 1,000, Kimi K2 technical report 2025"),
    ),
    check=check,
    follows=("DAT701", "INI401", "ACT107"),
)
