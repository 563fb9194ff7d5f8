"""Token sequences that are mostly padding.

## What it sees
An input of token ids in which at least half of all positions lie in a run of one and the same id at
the end of their sequences, or at the start, and no mask that says so.

## Why it matters
Whatever is measured is then measured on padding: it makes zeros, constant units and quiet heads
that the data itself does not have. A model that gets no mask attends to the padding, too.

## How to tell it from a healthy look-alike
Sequences may end in equal tokens by themselves; half of all positions do not. Padded positions that
a mask names are left out of the statistics and never reported.

## What to do
Give the mask beside the ids (as ``attention_mask``, or name it with ``--mask``), or pad each batch
to its longest sequence only.

## Source
Measured: padding the 24-token texts of a healthy model to 512 makes 98 % zeros. The shares are our
choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKS_UP = ("embedding", "embedding_bag")
REMEDY = (
    "Put the mask beside the ids as attention_mask, or name it with --mask, or pad to the longest "
    "sequence of the batch only."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """The input of token ids, if padding prevails in it."""
    padding = scan.data.padding
    if padding is None or padding.share < limits["info"]:
        return
    graph = Graph.of(scan)
    site = graph.sites.get(padding.input)
    if site is None or all(user.function not in LOOKS_UP for user in graph.consumers(site)):
        return
    yield RULE.finding(
        Severity.WARNING if padding.share >= limits["warning"] else Severity.INFO,
        site,
        f"{100 * padding.share:.0f} % of the positions of the input are padding: id "
        f"{padding.token}, over and over at the {padding.side} of the sequences.",
        remedy=REMEDY,
        measured={"share": padding.share, "token": padding.token, "side": padding.side},
        threshold={name: limits[name] for name in ("warning", "info")},
    )


RULE = Rule(
    code="DAT706",
    name="padding",
    needs=("forward", "tokens"),
    thresholds=(
        Threshold("warning", 0.9, "our choice: nine in ten values that were measured are padding"),
        Threshold("info", 0.5, "our choice: most positions"),
    ),
    check=check,
    capacity=True,
)
