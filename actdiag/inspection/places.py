"""The table of what belongs where (KNOWLEDGE, section 2), filled in for one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        ("hidden layer, MLP or CNN", "ReLU or GELU", "fast, works well", *between),
        ("hidden layer, Transformer FFN", "GELU, SwiGLU or GeGLU", "smoother, standard", *wide),
        ("binary output", "sigmoid", "a probability", *answers["binary"]),
        ("multi-class output", "softmax", "a distribution over classes", *answers["classes"]),
        ("regression output", "none", "unconstrained range", *answers["values"]),
        ("attention scores", "softmax", "weights sum to 1", *transformer.attention(tree)),
        ("gates of LSTM/GRU", "sigmoid", "flow in [0, 1]", *transformer.recurrent(tree)),
    )
    return tuple(_row(*row) for row in rows)


def _row(place: str, expected: str, reason: str, found: tuple[Found, ...], note: str) -> Place:
    fits = {one.fit for one in found}
    worst = next((fit for fit in _WORST if fit in fits), Fit.ABSENT)
    return Place(place, expected, reason, worst, found, note)
