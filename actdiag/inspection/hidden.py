"""The activation functions of ordinary hidden layers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.inspection.attention import attentions, belongs_to_attention
from actdiag.inspection.chain import stacked
from actdiag.inspection.feedforward import belongs_to
from actdiag.inspection.kinds import kind_of
from actdiag.inspection.output import output_layers
from actdiag.inspection.seen import seen_at
from actdiag.records import Fit, Found

if TYPE_CHECKING:
    from actdiag.inspection.feedforward import FeedForward
    from actdiag.inspection.seen import Seen
    from actdiag.inspection.tree import Tree
    from actdiag.records import GatedFFN, Layer

_BOUNDED_AND_FINE = {"relu6"}
_SATURATES = "saturates at both ends, so gradients fade with depth"
_GATING = "right as a gate; as a hidden layer it saturates"
_STACKED = "linear layers with nothing in between act as one"
_NORMALISING = {"softmax", "log_softmax", "softmin"}
_ENOUGH = 2


def found(
    tree: Tree, gated: tuple[GatedFFN, ...], plain: tuple[FeedForward, ...]
) -> tuple[tuple[Found, ...], str]:
    """What stands in the hidden layers that are no feed-forward network of a Transformer."""
    networks = {network.name for network in gated} | {network.name for network in plain}
    last = output_layers(tree)
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for layer in tree.layers:
        if layer.name in last or belongs_to(tree, layer, networks) or _serves(tree, layer):
            continue
        for seen in seen_at(tree, layer):
            if _is_hidden(seen):
                groups[seen.function, seen.seen_in].append(seen.layer)
    entries = [
        Found(name, tuple(layers), seen_in, *_judged(name, tree))
        for (name, seen_in), layers in groups.items()
    ]
    pairs = tuple(f"{one.name} → {other.name}" for one, other in stacked(tree))
    if pairs:
        entries.append(Found(None, pairs, "order", Fit.DIFFERS, _STACKED))
    weights = [
        layer
        for layer in tree.layers
        if kind_of(layer) in {"linear", "conv"}
        and not belongs_to(tree, layer, networks)
        and not _serves(tree, layer)
    ]
    ends = _ENOUGH if attentions(tree) else 1  # projections into a Transformer and out of it
    if not entries and len(weights) <= ends:
        return (), "the model has no such hidden layer"
    if not entries and tree.opaque:
        return (Found(None, (), "", Fit.NOT_SEEN),), ""
    return tuple(entries), ""


def _serves(tree: Tree, layer: Layer) -> bool:
    """Whether it lies in an attention or a recurrent layer."""
    above: Layer | None = layer
    while above is not None:
        if belongs_to_attention(tree, above) or kind_of(above) == "recurrent":
            return True
        above = tree.parent(above)
    return False


def _is_hidden(seen: Seen) -> bool:
    """Whether a function is one of hidden layers: softmax belongs to attention and outputs."""
    return seen.function not in _NORMALISING


def _judged(name: str, tree: Tree) -> tuple[Fit, str]:
    row = functions.get(name)
    if row.bounded and name not in _BOUNDED_AND_FINE:
        if "sigmoid" in name and not tree.plain:
            return Fit.DEPENDS, _GATING
        return Fit.DIFFERS, _SATURATES
    return Fit.FITS, ""
