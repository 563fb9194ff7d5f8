"""Tensors inside whatever a model takes or gives: tuples, lists, dicts, dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

_MOST = 64  # our choice: a generator need not end
_NO_CONTAINERS = (type(None), bool, int, float, str)


def tensors_in(value: Any, depth: int = 4) -> Iterator[Tensor]:
    """Every tensor in ``value``, in order, at most ``depth`` containers deep."""
    if isinstance(value, Tensor):
        yield value
    elif depth and type(value) not in _NO_CONTAINERS:
        for entry in _entries(value):
            if isinstance(entry, Tensor):
                yield entry
            elif type(entry) not in _NO_CONTAINERS:
                yield from tensors_in(entry, depth - 1)


def _entries(value: Any) -> Iterable[Any]:
    if type(value) in (tuple, list):  # what calls mostly take, without a detour
        return value  # type: ignore[no-any-return]
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, PackedSequence):
        return (value.data,)
    if isinstance(value, list | tuple | set):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, item.name) for item in dataclasses.fields(value)]
    return ()


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
    return holds_reals(tensor) or tensor.is_complex()


def holds_reals(tensor: Tensor) -> bool:
    """Whether the values are real numbers, as floating-point or as quantised ones."""
    return tensor.is_floating_point() or tensor.is_quantized
