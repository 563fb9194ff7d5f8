"""The scores of an attention for a bounded, evenly spread sample of its queries.

Each sample gives the same queries however the data is batched, and which samples are looked at at
all depends on their numbers, so statistics of the scores do not depend on batches. Of the samples
passed over only those queries are told that see no key, which needs no scores but masks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch

from actdiag.stats.devices import sent
from actdiag.stats.heads import alike, by_head, heads_of, rows_of_mask
from actdiag.stats.layout import CACHE_ELEMENTS, LAUNCH_ELEMENTS
from actdiag.stats.stretches import Looks, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

# Rows measured per sample and head: one in 64, but 8 at least and 64 at most; of the first 16
# samples, and of a thousand 82. Our choice: where an encoder or decoder of width 384 reads 128
# tokens, a look takes 3 % of its time, and over the first hundred samples 1 % on average.
FEWEST, MOST, ONE_IN = 8, 64, 64
LOOKS = Looks(every=16, budget=16, block=8)
# Added to a score to hide a key. Our choice: half of the -10,000 of the first BERT, which is the
# weakest mask in use.
HIDDEN = -5000.0
# Keys of one group, in numbers, that are worth a product of their own rather than a copy of all.
SEVERAL = 1 << 14


class Block(NamedTuple):
    """Queries of some samples.

    Attributes:
        rows: how many there are, ``(groups, heads, queries)``.
        scores: shape ``(groups, heads, queries, keys)``, −inf where a key is masked; null of
            samples that are passed over.
        keys: how many each query sees, or of those passed over whether it sees any, in a shape
            that broadcasts to ``rows``; null where it sees all.
        weight: what each stands for.
    """

    rows: tuple[int, int, int]
    scores: Tensor | None
    keys: Tensor | None
    weight: float


def of_query_and_key(
    query: Tensor,
    key: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    samples: int = 0,
    grouped: bool = False,
    looked_at: Sequence[Stretch] = (),
) -> Iterator[Block]:
    """Scores of ``scaled_dot_product_attention``, whose arguments these are.

    Args:
        query: shape ``(..., queries, width)``.
        key: shape ``(..., keys, width)``; with ``grouped``, of fewer heads.
        mask: boolean (true may be seen) or added to the scores.
        causal: a query sees the keys up to its own place.
        scale: factor of the scores, 1/√width by default.
        samples: see :func:`actdiag.stats.heads.heads_of`.
        grouped: several heads of the query share one of the key.
        looked_at: which of the samples are; all by default.
    """
    query, key = alike(query, key)
    heads = query.shape[-3] if grouped else heads_of(query, samples)
    rows = positions(query.shape[-2], query.device)
    masks = None if mask is None else rows_of_mask(mask, query, rows, heads)
    allowed = _up_to(query.shape[-2], key.shape[-2], query.device) if causal else None
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    keys = by_head(key, key.shape[-3] if grouped else min(heads, heads_of(key, samples)))
    query = by_head(query, heads)
    for part, weight in _parts(query, len(rows) * key.shape[-2], looked_at):
        count = part.stop - part.start, heads, len(rows)
        own = None if masks is None else _some(masks, part)
        visible = own if own is None or own.dtype is torch.bool else own > HIDDEN
        if not weight:
            if visible is not None:
                visible = visible if allowed is None else visible & allowed.visible
                yield Block(count, None, visible.any(-1), 0.0)
            continue
        picked = _wide(_some(query, part).index_select(-2, rows)).mul_(factor)
        scores, seen = _dot(picked, _wide(_some(keys, part))), None
        if allowed is not None:
            scores, seen = torch.minimum(scores, allowed.most), allowed.keys
        if own is not None and visible is not None:
            scores = scores if own is visible else scores + own
            scores = scores.masked_fill(~visible, -torch.inf)
            visible = visible if allowed is None else visible & allowed.visible
            seen = visible.expand(*visible.shape[:-1], key.shape[-2]).sum(-1)
        yield Block(count, scores, seen, weight)


def of_scores(
    scores: Tensor,
    *,
    samples: int = 0,
    heads: int | None = None,
    looked_at: Sequence[Stretch] = (),
) -> Iterator[Block]:
    """Scores as they are, shape ``(..., queries, keys)``, masked keys far below zero."""
    rows = positions(scores.shape[-2], scores.device)
    scores = by_head(scores, heads or heads_of(scores, samples))
    for part, weight in _parts(scores, len(rows) * scores.shape[-1], looked_at):
        own = _wide(_some(scores, part).index_select(-2, rows))
        groups, count, many, _ = own.shape
        visible = own > HIDDEN
        if weight:
            hidden = own.masked_fill_(~visible, -torch.inf)
            yield Block((groups, count, many), hidden, visible.sum(-1), weight)
        else:
            yield Block((groups, count, many), None, visible.any(-1), 0.0)


@lru_cache(maxsize=64)
def positions(length: int, device: torch.device) -> Tensor:
    """The queries measured: evenly spread, the first and the last included."""
    many = min(length, max(FEWEST, min(MOST, length // ONE_IN)))
    return sent(torch.linspace(0, length - 1, many, dtype=torch.float64).round().long(), device)


class _Allowed(NamedTuple):
    """Which keys the picked queries may see: as flags, as ∞ or −∞, and how many."""

    visible: Tensor
    most: Tensor
    keys: Tensor


@lru_cache(maxsize=64)
def _up_to(queries: int, keys: int, device: torch.device) -> _Allowed:
    """Where each query sees the keys up to its own place."""
    visible = torch.arange(keys, device=device) <= positions(queries, device).unsqueeze(1)
    most = torch.full(visible.shape, torch.inf, device=device).masked_fill_(~visible, -torch.inf)
    return _Allowed(visible, most, visible.sum(-1))


def _dot(query: Tensor, key: Tensor) -> Tensor:
    """Scores of a query with as many heads as the key, or several times as many."""
    groups, heads, rows, _ = query.shape
    _, shared, length, width = key.shape
    if shared != heads:
        query = query.reshape(groups, shared, -1, width)
    turned = key.transpose(-2, -1)
    joined = key.stride(0) == shared * key.stride(1)
    if joined or not key.is_cpu or len(key) < groups or shared * length * width < SEVERAL:
        scores = query @ turned
    else:  # one product of all would copy the keys
        scores = query.new_empty(groups, shared, query.shape[2], length)
        for one, other, out in zip(query, turned, scores, strict=True):
            torch.bmm(one, other, out=out)
    return scores if shared == heads else scores.reshape(groups, heads, rows, length)


def _wide(values: Tensor) -> Tensor:
    return values if values.dtype is torch.float64 else values.float()


def _parts(
    tensor: Tensor, each: int, looked_at: Sequence[Stretch]
) -> Iterator[tuple[slice, float]]:
    """Ranges of groups and their weights, so that the scores of each are of bounded size.

    ``each`` is the number of scores of one head; ``tensor`` has groups and heads in front. Where
    the groups are no multiple of the samples they are of no sample, and all are looked at.
    """
    groups, heads = tensor.shape[:2]
    limit = CACHE_ELEMENTS if tensor.is_cpu else LAUNCH_ELEMENTS
    step = max(1, limit // max(1, heads * each))
    samples = looked_at[-1].stop if looked_at else 0
    if not samples or groups % samples:
        looked_at, samples = (Stretch(0, groups, 1.0),), groups
    of_one = groups // max(1, samples)
    for first, last, weight in looked_at:
        end = last * of_one
        for start in range(first * of_one, end, step):
            yield slice(start, min(start + step, end)), weight


def _some(tensor: Tensor, part: slice) -> Tensor:
    return tensor if len(tensor) in (1, part.stop - part.start) else tensor[part]
