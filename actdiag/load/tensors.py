"""Tensors as they come out of a file: plain, on the CPU, and no larger than their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from actdiag.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Our choice: a tensor expanded from few bytes (strides of 0) may stand for this many, no more.
EXPANDED_LIMIT = 1 << 26
AGAIN = "Save or copy it again."


def plain_tensor(tensor: Tensor, shown: str) -> Tensor:
    """The same data without hooks and attributes that a pickle may have hung on it.

    Args:
        tensor: as unpickled; its storage is shared with the result.
        shown: the file's path, safe to print.

    Raises:
        ModelFileError: it holds no data, or claims more than its storage has.
    """
    if type(tensor) not in {Tensor, nn.Parameter, nn.Buffer}:
        kind = type(tensor).__name__
        raise ModelFileError(f"{shown} holds a {kind}, which actdiag doesn't read.", hint="")
    if tensor.is_meta:
        hint = "It was saved from a model on the meta device. Load real weights first, then save."
        raise ModelFileError(f"{shown} holds shapes but no weights.", hint=hint)
    if tensor.is_nested:
        raise ModelFileError(f"{shown} holds a nested tensor, which is no weight.", hint=AGAIN)
    if tensor.layout is torch.strided and not tensor.is_quantized:
        claimed = tensor.numel() * tensor.element_size()
        if claimed > max(tensor.untyped_storage().nbytes(), EXPANDED_LIMIT):
            message = (
                f"{shown} is damaged: a tensor of shape {tuple(tensor.shape)} has too few bytes."
            )
            raise ModelFileError(message, hint=AGAIN)
    data = Tensor.detach(tensor)
    if isinstance(tensor, nn.Parameter):
        differentiable = data.is_floating_point() or data.is_complex()
        return nn.Parameter(data, requires_grad=tensor.requires_grad and differentiable)
    return data


def check_tree(value: Any, available: int, shown: str) -> None:
    """See that all tensors in ``value`` hold no more bytes than the file can have given.

    A storage that a pickle asks for beyond its record is made of uninitialised memory.

    Args:
        value: modules and plain containers, as assembled.
        available: bytes that the file unpacks to.
        shown: the file's path, safe to print.

    Raises:
        ModelFileError: they claim more.
    """
    storages: dict[int, int] = {}
    for tensor in _tensors(value):
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = max(
                storage.nbytes(), storages.get(storage.data_ptr(), 0)
            )
    total = sum(storages.values())
    if total > available:
        message = f"{shown} is damaged: its tensors claim {total:,} bytes and it has {available:,}."
        raise ModelFileError(message, hint=AGAIN)


def _tensors(value: Any) -> Iterator[Tensor]:
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, nn.Module):
            waiting += [*item.parameters(), *item.buffers()]
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple | set):
            waiting += item
