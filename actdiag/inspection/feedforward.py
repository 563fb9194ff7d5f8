"""Feed-forward networks of Transformers: gated ones, and plain ones of two matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.inspection.attention import attentions, belongs_to_attention
from actdiag.inspection.kinds import matrix_of
from actdiag.inspection.seen import Seen, seen_at

if TYPE_CHECKING:
    from actdiag.inspection.tree import Tree
    from actdiag.records import GatedFFN, Layer


@dataclass(frozen=True, slots=True)
class FeedForward:
    """A network of two matrices, wide in the middle, and the functions that were seen in it."""

    name: str
    width: int
    hidden: int
    seen: tuple[Seen, ...]


def plain_networks(tree: Tree, gated: tuple[GatedFFN, ...]) -> tuple[FeedForward, ...]:
    """The two-matrix feed-forward networks; none where the model has no attention."""
    if not attentions(tree):
        return ()
    found: list[FeedForward] = []
    around: set[str] = set()
    for network in gated:
        around |= {network.name} | tree.names_above(tree.by_name[network.name])
    for layer in reversed(tree.layers):  # the innermost first
        if layer.name not in around and (plain := _network(tree, layer)) is not None:
            found.append(plain)
            around |= tree.names_above(layer)
    return tuple(reversed(found))


def _network(tree: Tree, layer: Layer) -> FeedForward | None:
    parts = [layer, *tree.below(layer, leave_out=lambda part: belongs_to_attention(tree, part))]
    if belongs_to_attention(tree, layer):
        return None
    matrices = [matrix for part in parts if (matrix := matrix_of(part))]
    if len(matrices) != 2:  # noqa: PLR2004 - out and back
        return None
    first, second = matrices
    there_and_back = (first.inputs, first.outputs) == (second.outputs, second.inputs)
    if not there_and_back or first.outputs <= first.inputs:
        return None
    seen = tuple(seen for part in parts for seen in seen_at(tree, part))
    if not seen:
        seen = tuple(
            Seen(name, key, "configuration") for key, name in tuple(tree.config.items())[:1]
        )
    return FeedForward(layer.name, first.inputs, first.outputs, seen)


def belongs_to(tree: Tree, layer: Layer, names: set[str]) -> bool:
    """Whether the layer is one of ``names`` or lies below one, outside any attention."""
    above: Layer | None = layer
    while above is not None:
        if above.name in names:
            return True
        if belongs_to_attention(tree, above):
            return False
        above = tree.parent(above)
    return False
