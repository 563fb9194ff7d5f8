"""The modules of the model that an exported program came from.

``torch.export`` leaves a flat list of operators; each still says which modules it was called in.
A module that was registered under two names goes by the one it was called by, unless its weights
tell; the others are not in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, fx
from torch._ops import OpOverload

from actdiag.capture.declared import Declared, is_builtin_class, settings_of, unshared
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn
Frame = tuple[str, str]  # key, which differs from call to call, and qualified name


def is_exported(module: nn.Module) -> bool:
    """Whether a module is an exported program: a graph that calls operators, not functions."""
    if not isinstance(module, fx.GraphModule):
        return False
    return any(isinstance(node.target, OpOverload) for node in module.graph.nodes)


def batch_size_of(program: nn.Module) -> int | None:
    """The one batch size that an exported program takes; None if it takes any, or is none."""
    if not is_exported(program):
        return None
    for node in _all_nodes(program):
        example = node.meta.get("val") if node.op == "placeholder" else None
        if isinstance(example, Tensor) and example.dim() > 0:
            first = example.shape[0]
            return first if isinstance(first, int) else None
    return None


def exported_modules(program: nn.Module) -> dict[str, Declared]:
    """The modules of the model that was exported, by name, in the order in which they are called.

    Modules that were not called are there if they hold weights.
    """
    classes = {"": f"{type(program).__module__}.{type(program).__name__}"}
    for node in _all_nodes(program):
        for name, qualified in (node.meta.get("nn_module_stack") or {}).values():
            if not name:
                classes[""] = printable(qualified)
            elif not qualified.startswith("_empty"):
                classes.setdefault(printable(_plain(name)), printable(qualified))
    holders = {printable(name): module for name, module in program.named_modules()}
    for name in aliases(program):
        classes.pop(name, None)
        holders.pop(name, None)
    names = dict.fromkeys((*classes, *(name for name in holders if _holds(holders[name]))))
    return {name: _declared(name, names, classes, holders.get(name)) for name in names}


def aliases(program: nn.Module) -> dict[str, str]:
    """The names of modules that have another name before, with that."""
    return {
        printable(name): printable(first) for name, first, _ in unshared(program) if name != first
    }


def _holds(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None


def _declared(
    name: str, names: dict[str, None], classes: dict[str, str], holder: nn.Module | None
) -> Declared:
    qualified = classes.get(name, "torch.nn.modules.module.Module")
    leaf = not any(other != name and _lies_in(other, name) for other in names)
    parameters = holder.parameters(recurse=False) if holder is not None else ()
    return Declared(
        name=name,
        qualified=qualified,
        leaf=leaf,
        builtin=is_builtin_class(qualified, leaf=leaf),
        parameters=sum(item.numel() for item in parameters),
        settings=settings_of(holder) if holder is not None else {},
    )


def _lies_in(name: str, outer: str) -> bool:
    return not outer or name.startswith(f"{outer}.")


def _all_nodes(program: nn.Module) -> Iterator[fx.Node]:
    for module in program.modules():
        if isinstance(module, fx.GraphModule):
            yield from module.graph.nodes


def _plain(name: str) -> str:
    """A name without the number of the call."""
    return name.partition("@")[0]


def stack_of(node: fx.Node) -> tuple[Frame, ...]:
    """The modules in which a node was called, from the outside in, without the root."""
    entries = (node.meta.get("nn_module_stack") or {}).items()
    frames = ((key, printable(_plain(name))) for key, (name, _) in entries)
    return tuple((key, name) for key, name in frames if name and not name.startswith("_empty"))
