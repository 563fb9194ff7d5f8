"""Attention heads that look at every key alike.

## What it sees
Attention layers in which at least half of the heads have an entropy above 99.9 % of the largest
possible, the log of the number of keys that a query may see.

## Why it matters
Such a head gives every query the plain mean of the values: the layer mixes nothing by content, and
its queries and keys might as well not be there.

## How to tell it from a healthy look-alike
A small model that was never trained looks like this, since its logits are near 0, and a head that
averages on purpose does too: Hugging Face's N(0, 0.02) at a width of 32 gives above 0.999. So it is
only worth knowing, and a warning only where the weights do not look fresh and labels show that it
does not work.

## What to do
If the model is trained: check that queries and keys get a gradient, that the scale isn't applied
twice, and that positions reach the attention. If it isn't: nothing.

## Source
The counterpart of ATT301. Our choice: at its default initialisation torch's MultiheadAttention of
width 32 to 512 gives 0.94 to 0.98 over 8 to 512 standard normal tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.heads import attentions, chosen_heads, on_queries
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count, limit, named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Check that queries and keys are trained, and that the scale isn't applied twice."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every attention with enough uniform heads."""
    harmful = harm.fails(scan) and age(scan) is not Age.FRESH
    for site, attention in attentions(scan):
        heads = chosen_heads(attention, limits, lambda entropy: entropy > limits["entropy"])
        if heads:
            severity = Severity.WARNING if harmful else Severity.INFO
            yield RULE.finding(
                severity,
                site,
                f"{len(heads)} of {count(attention.heads, 'head')} of {named(site)} look at every "
                f"key alike: their entropy is above {limit(limits['entropy'])} of the largest "
                f"possible, over {on_queries(attention)} each.",
                remedy=REMEDY,
                measured={
                    "uniform_heads": len(heads),
                    "heads": attention.heads,
                    "entropy": [attention.entropy[head] for head in heads],
                    "queries": attention.queries,
                },
                threshold={"entropy": limits["entropy"], "of_heads": limits["of_heads"]},
                units=heads,
            )


RULE = Rule(
    code="ATT302",
    name="uniform-attention",
    needs=("forward",),
    thresholds=(
        Threshold(
            "entropy", 0.999, "our choice: torch's default initialisation gives 0.94 to 0.98"
        ),
        Threshold("of_heads", 0.5, "our choice, as for collapsed heads"),
        Threshold("min_queries", 30, "our choice: a mean of fewer says little of a head"),
    ),
    check=check,
    follows=("INI401", "INI402", "ACT106", "ACT108"),
)
