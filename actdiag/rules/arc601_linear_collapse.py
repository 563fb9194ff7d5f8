"""Linear layers in a row with nothing non-linear between them.

## What it sees
Linear or convolutional layers whose one input is another such layer, with only views, dropout,
scaling or the identity in between. A whole chain makes one finding, at its last layer.

## Why it matters
W2(W1 x + b1) + b2 is W'x + b': together they can do what one layer does, with more weights and
more arithmetic. Usually an activation was forgotten.

## How to tell it from a healthy look-alike
A middle narrower than both ends is a low-rank factorisation, made on purpose (LoRA, ALBERT's
embedding, the code of an autoencoder): only worth knowing, as are convolutions split over space
(1 × k then k × 1) or over channels (depthwise then pointwise). A norm in between ends the chain,
as do pooling, attention, sums and gates. A layer whose values are
used elsewhere too (a residual path, several projections, an answer of the model) gives more than
the next one takes, and ends it as well. A model that works in spite of it still carries layers
for nothing: that stays a warning.

## What to do
Put an activation between the layers (ReLU or GELU), or merge them into one.

## Source
"Linear layers collapse" of the project's knowledge; linear algebra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Role, Scan, Severity, Site, WeightStats
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule
from actdiag.rules.graph import ACTIVE, Graph, is_weight_layer
from actdiag.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Put an activation between the layers (ReLU or GELU), or merge them into one layer."
MEANT = "Nothing, where that is meant: the code of an autoencoder, a low rank. Else: an activation."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every chain of two or more layers."""
    graph = Graph.of(scan)
    weights = _weights(scan)
    for chain in _chains(graph):
        deliberate = _deliberate(chain, weights)
        names = listed([site.name for site in chain])
        pair = "both" if len(chain) == 2 else "all"  # noqa: PLR2004
        text = (
            f"{names} follow each other with nothing non-linear between them: {pair} together can "
            "do no more than one layer."
        )
        yield RULE.finding(
            Severity.INFO if deliberate else _severity(scan),
            chain[-1],
            f"{text} {deliberate}" if deliberate else text,
            remedy=MEANT if deliberate else REMEDY,
            measured={
                "layers": [site.name for site in chain],
                "widths": [site.units for site in chain],
                "deliberate": bool(deliberate),
            },
        )


def _severity(scan: Scan) -> Severity:
    """An error where the whole model is one linear map and labels show that it fails."""
    bends = ACTIVE | {Role.RECURRENT, Role.ATTENTION, Role.GATED_PRODUCT}
    linear = not any(site.role in bends and not site.is_final for site in scan.sites)
    return Severity.ERROR if linear and harm.fails(scan) else Severity.WARNING


def _chains(graph: Graph) -> Iterator[list[Site]]:
    """Maximal chains; a layer used twice is followed along its first use."""
    inside: set[str] = set()
    for site in reversed(graph.sites.values()):
        if not is_weight_layer(site) or site.name in inside:
            continue
        chain = [site]
        while (before := _before(chain[0], graph)) is not None:
            chain.insert(0, before)
        inside.update(link.name for link in chain)
        if len(chain) > 1:
            yield chain


def _before(site: Site, graph: Graph) -> Site | None:
    """The linear layer whose values nothing but this layer uses, if one feeds it."""
    before = graph.feeding(site)
    if before is None or not is_weight_layer(before) or before.returned:
        return None
    return before if len(graph.consumers(before)) == 1 else None


def _weights(scan: Scan) -> dict[str, WeightStats]:
    """The widest weight of each module."""
    found: dict[str, WeightStats] = {}
    for weight in scan.weights:
        if len(weight.shape) > 1 and weight.elements > getattr(
            found.get(weight.module), "elements", 0
        ):
            found[weight.module] = weight
    return found


def _deliberate(chain: list[Site], weights: dict[str, WeightStats]) -> str:
    """Why somebody would want this chain, or nothing."""
    shapes = [weights[site.module].shape for site in chain if site.module in weights]
    if len(shapes) != len(chain):
        return ""
    kernels = [shape[2:] for shape in shapes]
    if any(len(kernel) > 1 and len(set(kernel)) > 1 for kernel in kernels):
        return "The kernels are split over space, which saves weights on purpose."
    if any(_is_depthwise(site, weights[site.module]) for site in chain):
        return (
            "One is depthwise: a convolution split over channels, which saves weights on purpose."
        )
    first, last = weights[chain[0].module].fan_in, chain[-1].units
    middle = [site.units for site in chain[:-1]]
    if first and last and all(width and width < min(first, last) for width in middle):
        return "The middle is narrower than both ends: a low-rank factorisation, made on purpose."
    return ""


def _is_depthwise(site: Site, weight: WeightStats) -> bool:
    return site.role is Role.CONV and weight.shape[1] == 1 and weight.shape[0] > 1


RULE = Rule(
    code="ARC601",
    name="linear-collapse",
    needs=("forward",),
    thresholds=(),
    check=check,
    data_free=True,
)
