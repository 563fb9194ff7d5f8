"""What stands in feed-forward networks, in attention, and in the gates of recurrent layers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from actdiag.inspection.attention import attentions
from actdiag.inspection.kinds import kind_of
from actdiag.inspection.seen import seen_at, title
from actdiag.records import Fit, Found

if TYPE_CHECKING:
    from actdiag.inspection.feedforward import FeedForward
    from actdiag.inspection.tree import Tree
    from actdiag.records import GatedFFN, Layer

Answer = tuple[tuple[Found, ...], str]

_RELU = "the first Transformers had it; GELU, SwiGLU or GeGLU is standard for new models"
_GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}


def feed_forward(gated: tuple[GatedFFN, ...], plain: tuple[FeedForward, ...]) -> Answer:
    """The functions in the feed-forward networks of a Transformer, gated or not."""
    groups: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for network in gated:
        groups[network.form or network.function, network.seen_in].append(network.name)
    for two in plain:
        seen = next(iter(two.seen), None)
        key = (seen.function, seen.seen_in) if seen else (None, "")
        groups[key].append(two.name)
    found = (
        Found(name, tuple(layers), seen_in, *_judged(name, gated=bool(gated)))
        for (name, seen_in), layers in groups.items()
    )
    return tuple(found), "" if groups else "the model has no Transformer FFN"


def _judged(name: str | None, *, gated: bool) -> tuple[Fit, str]:
    if name is None:
        return Fit.NOT_SEEN, "SiLU (SwiGLU) or GELU (GeGLU) is usual here" if gated else ""
    if name in {"relu", "relu6", "reglu"}:
        return Fit.DIFFERS, _RELU
    if name.startswith("gelu") or name in {"quick_gelu", "swiglu", "geglu", "silu"}:
        return Fit.FITS, ""
    return Fit.DIFFERS, f"{title(name)} is unusual in a Transformer FFN"


def attention(tree: Tree) -> Answer:
    """What makes weights of attention scores."""
    groups: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for layer in attentions(tree):
        groups[_score_function(tree, layer)].append(layer.name)
    found = (
        Found(name, tuple(layers), seen_in, *_judged_score(name))
        for (name, seen_in), layers in groups.items()
    )
    return tuple(found), "" if groups else "the model has no attention"


def _score_function(tree: Tree, layer: Layer) -> tuple[str | None, str]:
    if layer.class_name == "MultiheadAttention" or _is_torchs_own(layer):
        return "softmax", "built-in"
    above = tree.parent(layer)
    for part in (layer, *tree.below(layer), *([above] if above else [])):
        for seen in seen_at(tree, part):
            if seen.function in {"softmax", "sparsemax"} or (part is layer):
                return seen.function, seen.seen_in
    return None, ""


def _is_torchs_own(layer: Layer) -> bool:
    """Whether the names of its weights are those of nn.MultiheadAttention."""
    return layer.class_path is None and any(t.name == "in_proj_weight" for t in layer.tensors)


def _judged_score(name: str | None) -> tuple[Fit, str]:
    if name is None:
        return Fit.NOT_SEEN, ""
    if name == "softmax":
        return Fit.FITS, ""
    return Fit.DIFFERS, "the weights don't sum to 1"


def recurrent(tree: Tree) -> Answer:
    """The gates of LSTM and GRU layers, which are sigmoids by construction."""
    gated = [layer for layer in tree.layers if kind_of(layer) == "recurrent"]
    named = [(layer, _recurrent_kind(layer)) for layer in gated]
    with_gates = tuple(layer.name for layer, kind in named if kind in {"LSTM", "GRU"})
    if with_gates:
        kinds = {kind: 0 for _, kind in named if kind in {"LSTM", "GRU"}}
        cells = " and ".join(
            f"{kind}: {'three sigmoid gates' if kind == 'LSTM' else 'two sigmoid gates'}, "
            "tanh for the candidate"
            for kind in kinds
        )
        return (Found("sigmoid", with_gates, "built-in", Fit.FITS, cells),), ""
    if gated:
        return (), "its recurrent layers have no gates"
    return (), "the model has no recurrent layer"


def _recurrent_kind(layer: Layer) -> str:
    name = layer.class_name or ""
    known = next((kind for kind in ("LSTM", "GRU") if kind in name), "")
    if known or name:
        return known or "RNN"
    shapes = {
        tensor.name: tensor.shape
        for tensor in layer.tensors
        if tensor.shape and len(tensor.shape) > 1
    }
    inner = next((shape for key, shape in shapes.items() if key.startswith("weight_hh")), None)
    return _GATES.get(inner[0] // max(inner[1], 1), "RNN") if inner else "RNN"
