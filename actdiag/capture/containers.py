"""Tensors inside whatever a model takes or gives: tuples, lists, dicts, dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

_MOST = 64  # our choice: a generator need not end


def tensors_in(value: Any, depth: int = 4) -> Iterator[Tensor]:
    """Every tensor in ``value``, in order, at most ``depth`` containers deep."""
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, Mapping):
        for entry in value.values():
            yield from tensors_in(entry, depth - 1)
    elif depth and isinstance(value, PackedSequence):
        yield value.data
    elif depth and isinstance(value, list | tuple | set):
        for entry in value:
            yield from tensors_in(entry, depth - 1)
    elif depth and dataclasses.is_dataclass(value) and not isinstance(value, type):
        for item in dataclasses.fields(value):
            yield from tensors_in(getattr(value, item.name), depth - 1)


def generated(value: Any) -> Any:
    """What a generator gives, or the beginning of that; anything else as it is."""
    return list(islice(value, _MOST)) if isinstance(value, Generator) else value


def primary_output(value: Any) -> Tensor | None:
    """The tensor that is the model's answer: ``logits`` where it is named, else the first float."""
    named = value.get("logits") if isinstance(value, Mapping) else getattr(value, "logits", None)
    if isinstance(named, Tensor):
        return named
    for tensor in tensors_in(value):
        if holds_numbers(tensor):
            return tensor
    return None


def holds_numbers(tensor: Tensor) -> bool:
    """Whether the values are real or complex numbers rather than ids or flags."""
    return tensor.is_floating_point() or tensor.is_complex()
