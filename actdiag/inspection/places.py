"""The table of what belongs where (KNOWLEDGE, section 2), filled in for one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.functions import places as belongs
from actdiag.inspection import hidden, output, transformer
from actdiag.records import Fit, Found, Place

if TYPE_CHECKING:
    from actdiag.inspection.feedforward import FeedForward
    from actdiag.inspection.tree import Tree
    from actdiag.records import GatedFFN

_WORST = (Fit.DIFFERS, Fit.DEPENDS, Fit.NOT_SEEN, Fit.FITS)


def places(
    tree: Tree, gated: tuple[GatedFFN, ...], plain: tuple[FeedForward, ...]
) -> tuple[Place, ...]:
    """One row for each documented place, in the order of the document."""
    between = hidden.found(tree, gated, plain)
    wide = transformer.feed_forward(gated, plain)
    answers = output.found(tree)
    rows = (
        (belongs.HIDDEN, between),
        (belongs.FEED_FORWARD, wide),
        (belongs.BINARY, answers["binary"]),
        (belongs.CLASSES, answers["classes"]),
        (belongs.VALUES, answers["values"]),
        (belongs.ATTENTION, transformer.attention(tree)),
        (belongs.GATES, transformer.recurrent(tree)),
    )
    return tuple(_row(place, *found) for place, found in rows)


def _row(place: belongs.Belongs, found: tuple[Found, ...], note: str) -> Place:
    fits = {one.fit for one in found}
    worst = next((fit for fit in _WORST if fit in fits), Fit.ABSENT)
    return Place(place.place, place.expected, place.reason, worst, found, note)
