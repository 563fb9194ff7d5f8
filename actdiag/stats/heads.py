"""Where the heads of an attention lie: tensors and masks of any shape in four axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

AXES = 4  # groups, heads, queries, keys


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


def alike(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
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


def rows_of_mask(mask: Tensor, query: Tensor, rows: Tensor, heads: int) -> Tensor:
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
