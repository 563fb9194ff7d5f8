"""Queries that may see no key at all.

## What it sees
Rows of attention scores in which every key is masked, by a boolean mask, by −inf, or by a number
below −5,000, which is how half precision writes it.

## Why it matters
A softmax over nothing is 0 divided by 0. Written out, or with weights asked for, the row is NaN,
and from there on so is everything computed from it.

## How to tell it from a healthy look-alike
Queries that are padding themselves may see nothing in a model that hides keys by a large finite
number, or in torch's fused attention, which then answers 0: nobody reads those rows. So it is an
error only where the attention's own answer holds NaN, and else worth knowing.

## What to do
Let each query see itself, or one key at least; skip samples that are empty; pad on the right in a
causal model; replace −inf by the most negative finite number.

## Source
IEEE 754: 0 / 0 is NaN. pytorch issues 41508 (MultiheadAttention gives NaN where every key of a row
is hidden) and 160064 (NaN when weights are asked for, finite when they aren't).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule
from actdiag.rules.heads import attentions
from actdiag.rules.wording import count, named

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Let every query see at least one key, and leave empty samples out."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every attention with a row that is masked throughout."""
    for site, attention in attentions(scan):
        if not attention.masked_rows:
            continue
        harm = (
            f"the softmax of nothing is NaN, of which the answer holds {site.stats.nan:,}"
            if site.stats.nan
            else "the answer is finite, so this is harmless if nobody reads those rows"
        )
        yield RULE.finding(
            Severity.ERROR if site.stats.nan else Severity.INFO,
            site,
            f"{attention.masked_rows:,} of {count(attention.queries, 'row')} of scores of "
            f"{named(site)} have every key masked: {harm}.",
            remedy=REMEDY,
            measured={
                "masked_rows": attention.masked_rows,
                "rows": attention.queries,
                "nan": site.stats.nan,
            },
        )


RULE = Rule(
    code="ATT304",
    name="masked-rows",
    needs=("forward",),
    thresholds=(),
    check=check,
    follows=("DAT706",),
)
