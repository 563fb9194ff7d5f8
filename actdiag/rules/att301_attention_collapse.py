"""Attention heads that give all their weight to a single key.

## What it sees
Attention layers past the first in which at least half of the heads have an entropy below 1 % of
the largest possible, the log of the number of keys that a query may see. Queries that see one key
only, as the first of a causal model, are left out.

## Why it matters
A softmax at its end passes no gradient to queries and keys, so such heads stay as they are. In
training, entropies that fall towards zero go before loss spikes and divergence.

## How to tell it from a healthy look-alike
Single heads that copy the previous token, or rest on the first one when they have nothing to do,
are normal, and in first layers they may be many: the first attention is not judged, and further
ones only when half of their heads agree. Where labels show that the model works the severity goes
down one step.

## What to do
Normalise queries and keys (QK-norm) or clip their logits, lower the learning rate, warm it up
longer; look at the largest logit (ATT303).

## Source
Zhai et al. 2023, "Stabilizing Transformer Training by Preventing Attention Entropy Collapse". The
cut-off is our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.heads import attentions, chosen_heads, on_queries, softened
from actdiag.rules.wording import count, limit, named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Normalise queries and keys before their product (QK-norm), or lower the learning rate."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every attention past the first with enough collapsed heads."""
    for site, attention in list(attentions(scan))[1:]:
        heads = chosen_heads(attention, limits, lambda entropy: entropy < limits["entropy"])
        if heads:
            yield RULE.finding(
                softened(Severity.WARNING, scan),
                site,
                f"{len(heads)} of {count(attention.heads, 'head')} of {named(site)} give all their "
                f"weight to one key: their entropy is below {limit(limits['entropy'])} of the "
                f"largest possible, over {on_queries(attention)} each.",
                remedy=REMEDY,
                measured={
                    "collapsed_heads": len(heads),
                    "heads": attention.heads,
                    "entropy": [attention.entropy[head] for head in heads],
                    "queries": attention.queries,
                },
                threshold={"entropy": limits["entropy"], "of_heads": limits["of_heads"]},
                units=heads,
            )


RULE = Rule(
    code="ATT301",
    name="attention-collapse",
    needs=("forward",),
    thresholds=(
        Threshold("entropy", 0.01, "our choice, after the entropy collapse of Zhai et al. 2023"),
        Threshold("of_heads", 0.5, "our choice: single heads that copy one token are normal"),
        Threshold("min_queries", 30, "our choice: a mean of fewer says little of a head"),
    ),
    check=check,
    follows=("ATT303", "DAT701", "INI401", "ACT107"),
)
