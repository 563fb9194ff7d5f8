"""What the rules on attention share: the sites that were measured, and shares of their heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.rules import harm
from actdiag.rules.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actdiag.records import AttentionStats, Scan, Severity, Site
    from actdiag.rules.base import Limits


def attentions(scan: Scan) -> Iterator[tuple[Site, AttentionStats]]:
    """Every attention that was measured, in execution order."""
    for site in scan.sites:
        if site.attention is not None:
            yield site, site.attention


def chosen_heads(
    attention: AttentionStats, limits: Limits, test: Callable[[float], bool]
) -> list[int]:
    """Heads whose entropy passes the test, if there are enough of them and of queries."""
    if attention.queries < limits["min_queries"] * attention.heads:
        return []
    heads = [
        head for head, value in enumerate(attention.entropy) if value is not None and test(value)
    ]
    known = sum(value is not None for value in attention.entropy)
    return heads if heads and len(heads) >= limits["of_heads"] * known else []


def softened(severity: Severity, scan: Scan) -> Severity:
    """One step less where labels show that the model works."""
    return severity.lowered() if harm.works(scan) else severity


def on_queries(attention: AttentionStats) -> str:
    """On how much a claim about heads rests."""
    return count(attention.queries // attention.heads, "query").replace("querys", "queries")
