"""The scores of an attention for a bounded, evenly spread sample of its queries.

Each sample gives the same queries however the data is batched, so statistics of the scores do not
depend on batches. The cost is a small share of an attention over a long sequence, and a small share
of the layers around it over a short one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from actdiag.stats.layout import CACHE_ELEMENTS, LAUNCH_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

# Rows measured per sample and head: one in 64, but 8 at least and 64 at most. Our choice: 2 to 5 %
# of the time of an encoder of width 384 at 16, 128 and 1024 tokens.
FEWEST, MOST, ONE_IN = 8, 64, 64
# Added to a score to hide a key. Our choice: half of the -10,000 of the first BERT, which is the
# weakest mask in use.
HIDDEN = -5000.0
AXES = 4  # groups, heads, queries, keys

Block = tuple["Tensor", "Tensor | None"]
"""Scores ``(groups, heads, queries, keys)`` and which of the keys are visible."""


def of_query_and_key(
    query: Tensor,
    key: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    samples: int = 0,
    grouped: bool = False,
) -> Iterator[Block]:
    """Scores of ``scaled_dot_product_attention``, whose arguments these are.

    Args:
        query: shape ``(..., queries, width)``.
        key: shape ``(..., keys, width)``; with ``grouped``, of fewer heads.
        mask: boolean (true may be seen) or added to the scores.
        causal: a query sees the keys up to its own place.
        scale: factor of the scores, 1/√width by default.
        samples: see :func:`heads_of`.
        grouped: several heads of the query share one of the key.
    """
    query, key = _alike(query, key)
    heads = query.shape[-3] if grouped else heads_of(query, samples)
    rows = positions(query.shape[-2], query.device)
    visible = None
    if causal:
        visible = torch.arange(key.shape[-2], device=key.device) <= rows.unsqueeze(1)
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    picked = by_head(query.index_select(-2, rows), heads)
    keys = by_head(key, key.shape[-3] if grouped else min(heads, heads_of(key, samples)))
    masks = None if mask is None else _rows_of_mask(mask, query, rows, heads)
    for part in _parts(picked, key.shape[-2]):
        scores = _dot(_wide(_some(picked, part)), _wide(_some(keys, part))) * factor
        if masks is None:
            yield scores, visible
            continue
        own = _some(masks, part)
        if own.dtype is not torch.bool:
            scores = scores + own
            own = own > HIDDEN
        yield scores, own if visible is None else own & visible


def of_scores(scores: Tensor, *, samples: int = 0, heads: int | None = None) -> Iterator[Block]:
    """Scores as they are, shape ``(..., queries, keys)``, masked keys far below zero."""
    rows = positions(scores.shape[-2], scores.device)
    picked = by_head(scores.index_select(-2, rows), heads or heads_of(scores, samples))
    for part in _parts(picked, scores.shape[-1]):
        own = _wide(_some(picked, part))
        yield own, own > HIDDEN


def positions(length: int, device: torch.device) -> Tensor:
    """The queries measured: evenly spread, the first and the last included."""
    many = min(length, max(FEWEST, min(MOST, length // ONE_IN)))
    return torch.linspace(0, length - 1, many, dtype=torch.float64).round().long().to(device)


def heads_of(tensor: Tensor, samples: int) -> int:
    """Number of heads: the axis before the last two, if there is one before that for the samples.

    Of three axes the first may hold ``samples`` times the heads, the heads of a sample together.
    """
    if tensor.ndim >= AXES:
        return tensor.shape[-3]
    if tensor.ndim < AXES - 1 or not samples or tensor.shape[0] % samples:
        return 1
    return tensor.shape[0] // samples


def by_head(tensor: Tensor, heads: int) -> Tensor:
    """``(..., heads, a, b)`` or ``(samples × heads, a, b)`` as ``(groups, heads, a, b)``."""
    return tensor.reshape(-1, heads, *tensor.shape[-2:])


def _alike(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Query and key with the same axes before those of the heads."""
    while query.ndim < key.ndim:
        query = query.unsqueeze(0)
    while key.ndim < query.ndim:
        key = key.unsqueeze(0)
    if query.ndim < AXES or query.shape[:-3] == key.shape[:-3]:
        return query, key
    pairs = zip(query.shape[:-3], key.shape[:-3], strict=True)
    lead = [max(pair) for pair in pairs]
    return query.expand(*lead, *query.shape[-3:]), key.expand(*lead, *key.shape[-3:])


def _rows_of_mask(mask: Tensor, query: Tensor, rows: Tensor, heads: int) -> Tensor:
    """The mask of the picked queries, in four axes that broadcast to the scores."""
    mask = mask if mask.ndim > 1 else mask.reshape(1, -1)
    if mask.shape[-2] > 1:
        mask = mask.index_select(-2, rows)
    if mask.ndim > AXES:
        mask = mask.expand(*query.shape[:-2], *mask.shape[-2:])
    if mask.ndim > AXES or (mask.ndim == query.ndim == AXES - 1 and mask.shape[0] > 1):
        return by_head(mask, heads)
    while mask.ndim < AXES:
        mask = mask.unsqueeze(0)
    return mask


def _dot(query: Tensor, key: Tensor) -> Tensor:
    """Scores of a query with as many heads as the key, or several times as many."""
    groups, heads, rows, width = query.shape
    if key.shape[1] not in (1, heads):
        query = query.reshape(groups, key.shape[1], -1, width)
    # Copied row by row where its axes cannot be joined: transposed, the product would copy it anew.
    return (query @ key.contiguous().transpose(-2, -1)).reshape(groups, heads, rows, -1)


def _wide(values: Tensor) -> Tensor:
    return values if values.dtype is torch.float64 else values.float()


def _parts(picked: Tensor, keys: int) -> Iterator[slice]:
    """Ranges of groups, so that the scores of each are of bounded size."""
    limit = CACHE_ELEMENTS if picked.device.type == "cpu" else LAUNCH_ELEMENTS
    each = max(1, picked.shape[1] * picked.shape[2] * keys)
    step = max(1, limit // each)
    for start in range(0, picked.shape[0], step):
        yield slice(start, start + step)


def _some(tensor: Tensor, part: slice) -> Tensor:
    return tensor if tensor.shape[0] == 1 else tensor[part]
