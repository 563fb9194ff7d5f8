"""Transformer operators that do a whole layer at once, as the functions that they consist of.

A model that was traced without gradients holds these operators in place of its modules. They are
computed by their parts, each in the module that owns its weights, as the eager model is scanned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from actdiag.capture.rebuilt import linear

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch._ops import OpOverload

    Within = Callable[..., AbstractContextManager[None]]  # of a weight, and its layer if linear

_SCORES_OF_ALL = 4  # axes of a mask that tells samples and heads apart


def parts_of(operator: OpOverload) -> Callable[..., Any] | None:
    """The function that computes an operator by its parts; None for all but two operators."""
    return _PARTS.get(operator)


def _encoder_layer(within: Within, **given: Any) -> Tensor:
    """``_transformer_encoder_layer_fwd``: attention, two linear layers, two norms, two sums."""
    x: Tensor = given["src"]

    def attention(x: Tensor) -> Tensor:
        output, _ = _attention(within, x, x, x, need_weights=False, **given)
        return output

    def forward(x: Tensor) -> Tensor:
        with within(given["ffn_weight_1"], linear(given["ffn_weight_1"], given["ffn_bias_1"])):
            x = F.linear(x, given["ffn_weight_1"], given["ffn_bias_1"])
        x = F.gelu(x) if given["use_gelu"] else F.relu(x)
        with within(given["ffn_weight_2"]):
            return F.linear(x, given["ffn_weight_2"], given["ffn_bias_2"])

    def norm(x: Tensor, which: int) -> Tensor:
        weight, bias = given[f"norm_weight_{which}"], given[f"norm_bias_{which}"]
        with within(weight):
            return F.layer_norm(x, (x.shape[-1],), weight, bias, given["eps"])

    if given["norm_first"]:
        x = x + attention(norm(x, 1))
        return x + forward(norm(x, 2))
    x = norm(x + attention(x), 1)
    return norm(x + forward(x), 2)


def _self_attention(within: Within, **given: Any) -> tuple[Tensor, Tensor | None]:
    """``_native_multi_head_attention``."""
    given["num_heads"] = given.pop("num_head")
    query, key, value = (given.pop(name) for name in ("query", "key", "value"))
    return _attention(within, query, key, value, **given)


def _attention(
    within: Within, query: Tensor, key: Tensor, value: Tensor, *, need_weights: bool, **given: Any
) -> tuple[Tensor, Tensor | None]:
    masks: dict[str, Tensor | None] = {"attn_mask": given["mask"]}
    if given["mask"] is not None and given["mask_type"] == 1:
        masks = {"key_padding_mask": given["mask"]}
    elif given["mask"] is not None and given["mask"].dim() == _SCORES_OF_ALL:
        masks = {"attn_mask": given["mask"].expand(-1, given["num_heads"], -1, -1).flatten(0, 1)}
    with within(given["qkv_weight"]):
        output, weights = F.multi_head_attention_forward(
            query.transpose(0, 1),
            key.transpose(0, 1),
            value.transpose(0, 1),
            given["embed_dim"],
            given["num_heads"],
            given["qkv_weight"],
            given["qkv_bias"],
            None,
            None,
            False,  # noqa: FBT003 - no zero attention
            0.0,
            given["proj_weight"],
            given["proj_bias"],
            training=False,
            need_weights=need_weights,
            average_attn_weights=given.get("average_attn_weights", True),
            **masks,  # type: ignore[arg-type] # masks are named above
        )
        return output.transpose(0, 1), weights


_PARTS: dict[Any, Callable[..., Any]] = {
    torch.ops.aten._transformer_encoder_layer_fwd.default: _encoder_layer,  # noqa: SLF001
    torch.ops.aten._native_multi_head_attention.default: _self_attention,  # noqa: SLF001
}


def named(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by the names of the operator's signature, defaults filled in."""
    signature = operator._schema.arguments  # noqa: SLF001 - the documented way to it
    found = {item.name: item.default_value for item in signature if item.has_default_value()}
    return found | {item.name: value for item, value in zip(signature, args, strict=False)} | kwargs
