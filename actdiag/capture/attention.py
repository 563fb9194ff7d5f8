"""Calls of attention, fused or written out: each site learns what its heads attend to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.activations import activation
from actdiag.capture.caught import Caught
from actdiag.capture.containers import tensors_in
from actdiag.capture.layers import layer, matmul
from actdiag.capture.observer import Call
from actdiag.capture.operations import Kind
from actdiag.records import Role
from actdiag.stats.attention import AttentionAccumulator
from actdiag.stats.scores import LOOKS, of_query_and_key, of_scores
from actdiag.stats.stretches import stretches
from actdiag.stats.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.capture.observer import Observer
    from actdiag.capture.operations import Operation
    from actdiag.stats.scores import Block
    from actdiag.stats.stretches import Stretch

_FUSED = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
# Of num_heads among the arguments of multi_head_attention_forward, and of the first with a default.
_HEADS_PLACE, _SETTINGS_PLACE = 4, 13
_MASK_PLACE = _FUSED.index("attn_mask")


def is_looked_into(observer: Observer, operation: Operation, call: Call) -> bool:
    """Whether more than its output is measured of this call of attention."""
    own = _has_mask if operation.kind is Kind.MULTI_HEAD else _has_mask_or_nesting
    return not _all_passed_over(observer) or own(call)


def fused(observer: Observer, operation: Operation, call: Call) -> Any:
    """``scaled_dot_product_attention``: its scores are computed again for some of the queries."""
    result = layer(observer, operation, call)
    _attend(observer, result, _scores_of_fused(observer, call))
    return result


def multi_head(observer: Observer, operation: Operation, call: Call) -> Any:
    """``multi_head_attention_forward``: one site, whose inner scores are caught on the way."""
    if not is_looked_into(observer, operation, call):
        return layer(observer, operation, call)
    caught = Caught()
    result = layer(observer, operation, Call(caught.forward(call.function), call.args, call.kwargs))
    if caught.call is not None:
        given = call.args[_HEADS_PLACE : _HEADS_PLACE + 1] or (call.kwargs.get("num_heads"),)
        attend_within(observer, result, caught.call, softmax=caught.is_softmax, heads=given[0])
    return result


def attend_within(
    observer: Observer, result: Any, inner: Call, *, softmax: bool, heads: int | None
) -> None:
    """The site that just gave ``result`` attends as the call inside it does.

    ``heads`` is null where nothing tells it: then it is how often the samples fit into the scores.
    """
    if softmax:
        scores = inner.args[0]
        heads = heads or max(scores.shape[0] // max(observer.recorder.samples, 1), 1)
        _attend(observer, result, of_scores(scores, heads=heads, looked_at=_looked_at(observer)))
    else:
        _attend(observer, result, _scores_of_fused(observer, inner))


def softmax(observer: Observer, operation: Operation, call: Call) -> Any:
    """A softmax over the last axis of what may be scores; :func:`weighted_sum` tells."""
    scores = call.first()
    trail = None if scores is None else observer.recorder.trails.of(scores)
    result = activation(observer, operation, call)
    if scores is None or trail is None or not trail.product or scores.dim() < 3:  # noqa: PLR2004
        return result
    axis = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else None)
    if axis in (-1, scores.dim() - 1) and scores.is_floating_point():
        samples, looked_at = observer.recorder.samples, _looked_at(observer)
        _attend(observer, result, of_scores(scores, samples=samples, looked_at=looked_at))
    return result


def weighted_sum(observer: Observer, operation: Operation, call: Call) -> Any:
    """A matrix product of a softmax of scores with something computed is an attention."""
    trails = observer.recorder.trails
    sides = [trails.of(side) for side in tensors_in((call.args, call.kwargs), depth=2)]
    known = [trail for trail in sides if trail is not None]
    for trail in known if len(known) > 1 else ():
        if trail.straight and len(trail.sites) == 1:
            site = observer.recorder.sites[trail.sites[0]]
            site.role = Role.ATTENTION if site.attention is not None else site.role
    result = matmul(observer, operation, call)
    after = trails.of(result) if isinstance(result, Tensor) else None
    if len(known) > 1 and after is not None:
        trails.put(result, replace(after, product=True))
    return result


def _looked_at(observer: Observer) -> tuple[Stretch, ...]:
    return stretches(observer.recorder.first, observer.recorder.samples, LOOKS)


def _has_mask(call: Call) -> bool:
    """Whether a call of ``multi_head_attention_forward`` may be given one."""
    masks = call.kwargs.get("attn_mask"), call.kwargs.get("key_padding_mask")
    return len(call.args) > _SETTINGS_PLACE or any(mask is not None for mask in masks)


def _has_mask_or_nesting(call: Call) -> bool:
    """Whether ``scaled_dot_product_attention`` may be given a mask, or nested tensors."""
    masked = len(call.args) > _MASK_PLACE or call.kwargs.get("attn_mask") is not None
    return masked or any(tensor.is_nested for tensor in tensors_in((call.args, call.kwargs)))


def _all_passed_over(observer: Observer) -> bool:
    return not any(stretch.weight for stretch in _looked_at(observer))


def _attend(observer: Observer, result: Any, blocks: Iterator[Block] | None) -> None:
    """The site that just gave ``result`` attends so; null where it need not be known."""
    site = None if blocks is None else observer.opened(result)
    if site is None or blocks is None:
        return
    site.attention = site.attention or AttentionAccumulator()
    with torch.no_grad(), one_thread():
        for block in blocks:
            if block.scores is not None:
                site.attention.update(block.scores, block.keys, block.weight)
            elif block.keys is not None:
                site.attention.pass_over(block.rows, block.keys)


def _scores_of_fused(observer: Observer, call: Call) -> Iterator[Block] | None:
    given = dict(zip(_FUSED, call.args, strict=False)) | call.kwargs
    query, key, mask = given["query"], given["key"], given.get("attn_mask")
    if query.is_nested or key.is_nested or (mask is None and _all_passed_over(observer)):
        return None
    return of_query_and_key(
        query,
        key,
        mask=mask,
        causal=bool(given.get("is_causal")),
        scale=given.get("scale"),
        samples=observer.recorder.samples,
        grouped=bool(given.get("enable_gqa")),
        looked_at=_looked_at(observer),
    )
