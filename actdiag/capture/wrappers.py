"""The model inside its wrapper: what is scanned in place of what was given, and why."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import is_lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORIGINAL = "_orig_mod"


def unwrapped(model: nn.Module) -> tuple[nn.Module, tuple[str, ...]]:
    """The module to scan, and a sentence on each reason why it is not the one given.

    That is the module inside ``DataParallel`` and ``DistributedDataParallel``, the original of a
    compiled module, and a copy of a model with lazy layers, which stays lazy itself.
    """
    notes = []
    while (inside := _inside(model)) is not None:
        kind = "compiled" if is_compiled(model) else type(model).__name__
        notes.append(f"The module inside the {kind} one was scanned, under its own names.")
        model = inside
    if is_uninitialised(model):
        model = lazy_copy(model)
        notes.append(
            "It has lazy layers that have never run: they were initialised in a copy, with random "
            "weights. The model itself is still lazy."
        )
    return model, tuple(notes)


def lazy_copy(model: nn.Module) -> nn.Module:
    """A deep copy of a model with lazy layers, which torch alone can't make."""
    lazy = (item for item in model.buffers() if is_lazy(item))
    return copy.deepcopy(model, {id(buffer): _blank(buffer) for buffer in lazy})


def is_uninitialised(model: nn.Module) -> bool:
    """Whether the model has lazy layers that have never run."""
    return any(is_lazy(item) for item in _tensors(model))


def is_compiled(module: nn.Module) -> bool:
    """Whether the module is what ``torch.compile`` makes of one."""
    dynamo = sys.modules.get("torch._dynamo")
    return dynamo is not None and isinstance(module, dynamo.OptimizedModule)


def plain_name(name: str) -> str:
    """The qualified name of a module or parameter without what compiling added to it."""
    return ".".join(part for part in name.split(".") if part != _ORIGINAL)


def _inside(model: nn.Module) -> nn.Module | None:
    inside: Any = None
    if isinstance(model, DataParallel | DistributedDataParallel):
        inside = model.module
    elif is_compiled(model):
        inside = getattr(model, _ORIGINAL)
    return inside if isinstance(inside, nn.Module) else None


def _blank(buffer: Any) -> Any:
    """Another uninitialised buffer: torch can't copy one."""
    return type(buffer)(device=buffer.device, dtype=buffer.dtype)


def _tensors(model: nn.Module) -> Iterator[Any]:
    yield from model.parameters()
    yield from model.buffers()
