"""All samples of a feed as one batch that any rows can be taken of, and splits of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.errors import DataError
from actdiag.feed import Batch
from actdiag.feed.batch import has_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TRAINED_ON = 0.5  # our choice: the share of the data that trains where there is no training data
LEAST = 20  # our choice: fewer samples neither train nor judge anything


def gathered(feed: Iterable[Batch], what: str) -> Batch:
    """Every sample of a feed, in one batch.

    Raises:
        DataError: there are no labels, too few samples, or samples of different shapes.
    """
    batches = list(feed)
    labels = [batch.labels for batch in batches]
    if any(label is None for label in labels):
        raise DataError(
            f"{what} has no labels, and a remedy is trained and judged by them",
            hint="Give y in the data, or --labels.",
        )
    samples = sum(batch.samples for batch in batches)
    if samples < LEAST:
        raise DataError(
            f"{what} has {samples} samples: too few to train and to judge",
            hint=f"Give at least {LEAST}.",
        )
    first = batches[0]
    inputs = tuple(
        _joined([batch.inputs[place] for batch in batches], batches, what)
        for place in range(len(first.inputs))
    )
    kwargs = {
        name: _joined([batch.kwargs[name] for batch in batches], batches, what)
        for name in first.kwargs
    }
    return Batch(inputs, kwargs, _joined(labels, batches, what), samples)


def _joined(values: Sequence[Any], batches: Sequence[Batch], what: str) -> Any:
    """One input of all batches; one without a row per sample is the same in each."""
    rows = [has_rows(value, batch.samples) for value, batch in zip(values, batches, strict=True)]
    if not any(rows):
        return values[0]
    tensors = [value for value in values if isinstance(value, Tensor)]
    if len(tensors) != len(values) or len({value.shape[1:] for value in tensors}) > 1:
        raise DataError(
            f"the samples of {what} differ in shape, so they cannot be mixed into batches",
            hint="Pad them to one length.",
        )
    return torch.cat(tensors)


def split(pool: Batch, seed: int, share: float = _TRAINED_ON) -> tuple[Batch, Batch]:
    """Two parts of the samples, drawn by ``seed``: ``share`` of them, and the others."""
    order = torch.randperm(pool.samples, generator=torch.Generator().manual_seed(seed))
    cut = round(share * pool.samples)
    return pool.rows(order[:cut].sort().values), pool.rows(order[cut:].sort().values)
