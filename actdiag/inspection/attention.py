"""Where the attention of a model is: by its class, or by how its projections are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.inspection.kinds import kind_of
from actdiag.inspection.tree import Tree, last_part

if TYPE_CHECKING:
    from actdiag.records import Layer

_TRIPLES = (
    {"q_proj", "k_proj", "v_proj"},
    {"query", "key", "value"},
    {"q", "k", "v"},
    {"wq", "wk", "wv"},
    {"to_q", "to_k", "to_v"},
    {"q_lin", "k_lin", "v_lin"},
    {"w_q", "w_k", "w_v"},
    {"linear_q", "linear_k", "linear_v"},
)
_FUSED = {
    *("qkv", "c_attn", "query_key_value", "wqkv", "to_qkv", "qkv_proj", "in_proj", "w_qkv"),
    *("to_kv", "attn_qkv"),
}
_NAMES = {
    *("attn", "attention", "self_attn", "self_attention", "selfattention", "cross_attn"),
    *(
        "cross_attention",
        "crossattention",
        "encoder_attn",
        "multihead_attn",
        "mha",
        "encdecattention",
    ),
}


def is_attention(tree: Tree, layer: Layer) -> bool:
    """Whether the layer itself holds the projections to queries, keys and values."""
    if kind_of(layer) == "attention":
        return True
    names = {last_part(child).casefold() for child in tree.children(layer)}
    return any(triple <= names for triple in _TRIPLES) or bool(names & _FUSED)


def attentions(tree: Tree) -> list[Layer]:
    """Every attention of the model, the outermost layer that is one."""
    return [layer for layer in tree.layers if is_attention(tree, layer)]


def belongs_to_attention(tree: Tree, layer: Layer) -> bool:
    """Whether the layer and all below it serve an attention."""
    return last_part(layer).casefold() in _NAMES or is_attention(tree, layer)
