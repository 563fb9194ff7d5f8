"""Labels that are the input itself: a causal language model is asked for the token after each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from actdiag.feed.batch import Batch
    from actdiag.feed.fit import Source

NOTE = (
    "the labels are the input's own ids, as causal models of Transformers take them: each was "
    "compared with the answer one position before it"
)
_CAUSAL = ("ForCausalLM", "LMHeadModel", "DoubleHeadsModel")  # they shift labels themselves
_IGNORED = -100


@dataclass(frozen=True)
class NextToken:
    """A source whose labels are moved one position to the front; the last answer has none."""

    source: Source

    @property
    def samples(self) -> int | None:
        """As in the source."""
        return self.source.samples

    def __iter__(self) -> Iterator[Batch]:
        return map(moved, self.source)


def moved(batch: Batch) -> Batch:
    """The batch with the label of each position at the position before."""
    if batch.labels is None:
        return batch
    last = torch.full_like(batch.labels[:, :1], _IGNORED)
    return replace(batch, labels=torch.cat([batch.labels[:, 1:], last], dim=1))


def asks_for_next(module: nn.Module | None, first: Batch) -> bool:
    """Whether the labels are ids of the input, and the model one that moves them by itself.

    Labels that were moved already are no longer the input, and a model of another kind may well
    be meant to repeat its input.
    """
    labels = first.labels
    if labels is None or labels.ndim != 2 or labels.is_floating_point():  # noqa: PLR2004 - ids
        return False
    names = [type(part).__name__ for part in module.modules()] if module is not None else []
    if not any(mark in name for name in names for mark in _CAUSAL):
        return False
    asked = labels >= 0
    return bool(asked.any()) and any(
        value.shape == labels.shape and bool((value == labels)[asked].all())
        for value in first.named().values()
        if isinstance(value, Tensor) and not value.is_floating_point()
    )
