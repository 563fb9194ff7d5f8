"""One batch on its way to the model, and taking rows of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Batch:
    """What one call of the model's forward gets, and the labels that belong to it.

    Attributes:
        inputs: positional arguments, tensors of shape ``(samples, ...)`` as a rule.
        kwargs: keyword arguments.
        labels: ``(samples, ...)``, int64 for classes, float32 otherwise; None without labels.
        samples: number of samples in the batch.
    """

    inputs: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    labels: Tensor | None = None
    samples: int = 0

    def named(self) -> dict[int | str, Any]:
        """Every input by its position or its name."""
        named: dict[int | str, Any] = dict(enumerate(self.inputs))
        named.update(self.kwargs)
        return named

    def map_inputs(self, function: Callable[[int | str, Any], Any]) -> Batch:
        """The batch with ``function(place, input)`` in place of each input.

        ``place`` is the position of a positional input, the name of a keyword input.
        """
        return replace(
            self,
            inputs=tuple(function(place, value) for place, value in enumerate(self.inputs)),
            kwargs={name: function(name, value) for name, value in self.kwargs.items()},
        )

    def rows(self, index: Tensor) -> Batch:
        """The samples at ``index`` (int64). Inputs without a sample axis are passed on whole."""

        def take(_place: int | str, value: Any) -> Any:
            if isinstance(value, tuple | list) and not isinstance(value, PackedSequence):
                return tuple(take(_place, entry) for entry in value)
            return value[index] if has_rows(value, self.samples) else value

        labels = None if self.labels is None else self.labels[index]
        return replace(self.map_inputs(take), labels=labels, samples=len(index))

    def split(self, size: int) -> list[Batch]:
        """The batch in pieces of at most ``size`` samples; whole if an input has no sample axis."""
        aligned = all(has_rows(value, self.samples) for value in self.named().values())
        if self.samples <= size or not aligned:
            return [self]
        return [self.rows(piece) for piece in torch.split(torch.arange(self.samples), size)]


def has_rows(value: Any, samples: int) -> bool:
    """Whether the first axis of ``value``, or of all that it holds, counts the samples."""
    if isinstance(value, tuple | list) and not isinstance(value, PackedSequence):
        return all(has_rows(entry, samples) for entry in value)
    return isinstance(value, Tensor) and value.ndim > 0 and value.shape[0] == samples


def count_samples(values: tuple[Any, ...], labels: Tensor | None) -> int:
    """Samples of a batch: the first axis of the labels, else of the first tensor; 1 if neither."""
    if labels is not None and labels.ndim > 0:
        return int(labels.shape[0])
    for value in values:
        if isinstance(value, PackedSequence):
            return int(value.batch_sizes[0])
        if isinstance(value, tuple | list) and value:
            return count_samples(tuple(value), None)
        if isinstance(value, Tensor) and value.ndim > 0:
            return int(value.shape[0])
    return 1
