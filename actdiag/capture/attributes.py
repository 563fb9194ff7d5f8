"""What the code of a TorchScript module may change in it: attributes, put back afterwards.

Its state need not lie in buffers: a voice detector keeps its last frames in a plain attribute.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Kept(NamedTuple):
    """An attribute as it was: its value, and the leaves of the value with copies of the tensors."""

    module: ScriptModule
    name: str
    value: Any
    leaves: list[Any]
    copies: list[tuple[Tensor, Tensor, int]]


@contextlib.contextmanager
def attributes_kept(model: nn.Module) -> Iterator[None]:
    """Put back every attribute of the TorchScript modules of ``model`` that their code mentions.

    A tensor is given back as the same tensor with its old values, a list or a dict as a new one
    that is equal to the old. Objects of a class of the model's own stay as they are.
    """
    kept = [entry for module in topmost(model) for entry in _snapshot(module)]
    try:
        yield
    finally:
        for entry in kept:
            _put_back(entry)


def topmost(model: nn.Module) -> Iterator[ScriptModule]:
    """The TorchScript modules of ``model`` that lie in no other."""
    if isinstance(model, ScriptModule):
        yield model
        return
    for child in model.children():
        yield from topmost(child)


def nodes_of(block: Any) -> Iterator[Any]:
    """Every node of a TorchScript graph or block, and of the blocks within."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from nodes_of(inner)


def owner(value: Any, start: Any, module: ScriptModule) -> list[str] | None:
    """The path of attributes that leads from ``module``, the value ``start``, to ``value``."""
    path: list[str] = []
    while value.debugName() != start.debugName():
        node = value.node()
        if node.kind() != "prim::GetAttr":
            return None
        path.insert(0, node.s("name"))
        value = node.inputsAt(0)
    found: Any = module
    for name in path:
        found = getattr(found, name, None)
        if not isinstance(found, ScriptModule):
            return None
    return path


def at(module: Any, path: list[str]) -> Any:
    """The module at the end of ``path``."""
    for name in path:
        module = getattr(module, name)
    return module


def _snapshot(root: ScriptModule) -> Iterator[_Kept]:
    weights = {id(parameter) for parameter in root.parameters()}
    seen: set[tuple[ScriptModule, str]] = set()
    modules: Any = root.modules()
    for module in modules:
        for method in module._c._method_names():  # noqa: SLF001 - nothing public lists them
            graph = module._c._get_method(method).graph  # noqa: SLF001
            start = next(iter(graph.inputs()))
            for node in list(nodes_of(graph)):
                if node.kind() not in ("prim::GetAttr", "prim::SetAttr"):
                    continue
                path = owner(node.inputsAt(0), start, module)
                if path is not None:
                    yield from _kept(at(module, path), node.s("name"), seen, weights)


def _kept(
    module: ScriptModule, name: str, seen: set[tuple[ScriptModule, str]], weights: set[int]
) -> Iterator[_Kept]:
    if (module, name) in seen:
        return
    seen.add((module, name))
    known = module._c.hasattr(name) and name != "training"  # noqa: SLF001
    value = module._c.getattr(name) if known else None  # noqa: SLF001
    if not isinstance(value, Tensor | bool | int | float | str | list | tuple | dict):
        return
    leaves = pytree.tree_leaves(value)
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor) and id(leaf) not in weights]
    copies = [(tensor, tensor.clone(), tensor._version) for tensor in tensors]  # noqa: SLF001
    yield _Kept(module, name, value, leaves, copies)


def _put_back(entry: _Kept) -> None:
    now = pytree.tree_leaves(entry.module._c.getattr(entry.name))  # noqa: SLF001
    pairs = zip(now, entry.leaves, strict=False)
    if len(now) != len(entry.leaves) or any(not _same(*pair) for pair in pairs):
        entry.module._c.setattr(entry.name, entry.value)  # noqa: SLF001
    with torch.no_grad():
        for tensor, copied, version in entry.copies:
            if tensor._version != version:  # noqa: SLF001
                tensor.copy_(copied)


def _same(now: Any, before: Any) -> bool:
    if isinstance(now, Tensor) or isinstance(before, Tensor):
        return now is before
    return bool(now == before)
