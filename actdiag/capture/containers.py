"""Tensors inside whatever a model takes or gives: tuples, lists, dicts, dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


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


def primary_output(value: Any) -> Tensor | None:
    """The tensor that is the model's answer: ``logits`` where it is named, else the first float."""
    named = value.get("logits") if isinstance(value, Mapping) else getattr(value, "logits", None)
    if isinstance(named, Tensor):
        return named
    for tensor in tensors_in(value):
        if tensor.is_floating_point() or tensor.is_complex():
            return tensor
    return None
