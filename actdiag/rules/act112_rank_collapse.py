"""Layers that map everything onto a line, and tokens that have become the same vector.

## What it sees
Over a sample of up to 128 rows of each hidden layer: an effective rank (the exponential of the
entropy of the singular values of the centred rows) of at most 1 % of what rows and units allow, so
that all samples lie on one line. And in models with attention: the mean cosine between tokens of
the same sample at 0.99 or more from some layer on to the end, each unit divided by its own rms.

## Why it matters
What was mapped onto a line cannot be told apart again: the layers behind see one number. Attention
averages tokens, layer by layer; without a path around it they become equal doubly exponentially.

## How to tell it from a healthy look-alike
Inputs that lie on a line themselves give such layers, so the input's rank is looked at. The last
hidden layer of a trained classifier has about as many directions as there are classes less one
(neural collapse): it and the output are left out, and so are pooled vectors, which have no tokens.
A few huge dimensions make the cosines of healthy language models 0.99, which is why units are
scaled first; one attention's output may be nearly the same for all tokens as long as later layers
tell them apart. Layers narrower than 100 units are not judged by rank. Where labels show that the
model works the severity goes down one step.

## What to do
Keep the paths around attention and feed-forward layers (residual) and the norms; initialise by He
or Xavier; in a very deep plain network add norms or residual paths.

## Source
Effective rank: Roy and Vetterli 2007. Attention loses rank doubly exponentially: Dong, Cordonnier
and Loukas 2021. The limits are our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import ACTIVE, Graph, input_sites, takes_numbers
from actdiag.rules.wording import count, named, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Give attention and feed-forward layers a path around them (residual) and norms, and "
    "initialise by He's or Xavier's scheme."
)
ON_A_LINE = 2.0  # an input with two directions or fewer gives such layers by itself


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """The first layer whose rank collapses, and the first from which tokens are the same."""
    graph = Graph.of(scan)
    hidden = [site for site in scan.sites if site.role is not Role.INPUT and graph.is_hidden(site)]
    line = next((site for site in hidden if _on_a_line(site, scan, graph, limits)), None)
    if line is not None:
        yield _of_rank(line, scan, limits)
    same = _same_tokens(hidden, graph, limits)
    if same is not None:
        yield _of_tokens(same, scan, limits)


def _room(site: Site) -> int:
    return min(site.stats.sampled_rows or 0, site.units or 0)


def _on_a_line(site: Site, scan: Scan, graph: Graph, limits: Limits) -> bool:
    rank = site.stats.effective_rank
    if rank is None or rank > limits["rank"] * _room(site) or _is_last(site, graph):
        return False
    return not any(_simple(given) for given in input_sites(scan) if takes_numbers(given))


def _simple(given: Site) -> bool:
    """Whether an input has (nearly) one direction only."""
    rank = given.stats.effective_rank
    return given.units == 1 or (rank is not None and rank <= ON_A_LINE)


def _is_last(site: Site, graph: Graph) -> bool:
    """Whether only the output layer, or an activation before it, reads this layer."""
    users = graph.consumers(site)
    through = [user for user in users if user.role in ACTIVE or user.role is Role.NORM]
    return all(user.is_final or (user in through and _is_last(user, graph)) for user in users)


def _same_tokens(hidden: list[Site], graph: Graph, limits: Limits) -> Site | None:
    """The first of the last layers, two or more, behind an attention that tell no tokens apart."""
    kinds = {name: site.role for name, site in graph.sites.items()}
    behind = [
        site
        for site in hidden
        if site.stats.token_cosine is not None
        and any(kinds[name] is Role.ATTENTION for name in graph.ancestors(site))
    ]
    first, same = None, 0
    for site in reversed(behind):
        if (site.stats.token_cosine or 0.0) < limits["cosine"]:
            break
        first, same = site, same + 1
    return first if same > 1 else None


def _of_rank(site: Site, scan: Scan, limits: Limits) -> Finding:
    stats = site.stats
    return RULE.finding(
        Severity.WARNING,
        site,
        f"{named(site)} maps everything onto a line: the effective rank of its "
        f"{count(site.units or 0, 'unit')} is {number(stats.effective_rank or 0)} over "
        f"{count(stats.sampled_rows or 0, 'row')}.",
        remedy=REMEDY,
        measured={
            "effective_rank": stats.effective_rank,
            "rows": stats.sampled_rows,
            "units": site.units,
        },
        threshold={"rank": limits["rank"] * _room(site)},
    )


def _of_tokens(site: Site, scan: Scan, limits: Limits) -> Finding:
    return RULE.finding(
        Severity.WARNING,
        site,
        f"From {named(site)} on all tokens of a sample are the same: the mean cosine between them "
        f"is {site.stats.token_cosine:.3f} there.",
        remedy=REMEDY,
        measured={"token_cosine": site.stats.token_cosine, "rows": site.stats.sampled_rows},
        threshold={"cosine": limits["cosine"]},
    )


RULE = Rule(
    code="ACT112",
    name="rank-collapse",
    needs=("forward", "samples"),
    thresholds=(
        Threshold("rank", 0.01, "our choice: with 128 rows, no more than one direction"),
        Threshold("cosine", 0.99, "our choice: healthy encoders stay below 0.9 with scaled units"),
    ),
    check=check,
    capacity=True,
    follows=("ACT101", "ACT106", "ATT302", "INI401", "INI402", "DAT701"),
)
