"""Layers that a module keeps in a plain list or dictionary, where PyTorch does not see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED = 3


def unregistered(model: nn.Module) -> tuple[str, ...]:
    """A sentence on modules to be trained that only a plain list or dictionary holds.

    ``parameters()`` leaves them out, so no optimizer trains them, no state dict saves them and
    ``to`` does not move them. Lists of what is registered elsewhere or frozen are nothing odd.
    """
    known = set(model.modules())
    found: dict[nn.Module, str] = {}
    for name, module in model.named_modules():
        for where, held in _held(module):
            hidden = held not in known and held not in found
            if hidden and any(one.requires_grad for one in held.parameters()):
                found[held] = printable(f"{name}.{where}".lstrip("."))
    if not found:
        return ()
    told = ", ".join(f"{where} ({type(one).__name__})" for one, where in [*found.items()][:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    note = (
        f"In a plain list or dictionary, where no optimizer finds their parameters and no state "
        f"dict holds them: {told}{more}. Use nn.ModuleList or nn.ModuleDict."
    )
    return (note,)


def _held(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Modules in the containers among a module's own attributes, with where they are."""
    for name, value in vars(module).items():
        if name.startswith("_"):  # torch's own registries, and what a class hides on purpose
            continue
        if isinstance(value, dict):
            places = [(f"{name}[{key!r}]", one) for key, one in value.items()]
        elif isinstance(value, (list, tuple)):
            places = [(f"{name}[{index}]", one) for index, one in enumerate(value)]
        else:
            continue
        yield from ((where, one) for where, one in places if isinstance(one, nn.Module))
