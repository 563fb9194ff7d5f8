"""The parts of a model that run as a graph, not as Python: TorchScript and exported programs."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from torch.jit import ScriptModule

from actdiag.capture import interpreter, scripted
from actdiag.capture.declared import Declared, declared_modules
from actdiag.capture.exported import exported_modules, is_exported
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from actdiag.capture.relay import Relay


def graphs_in(model: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The topmost modules of ``model`` that run as a graph, each with its qualified name."""
    if isinstance(model, ScriptModule) or is_exported(model):
        yield prefix, model
        return
    for name, child in model.named_children():
        yield from graphs_in(child, f"{prefix}.{name}" if prefix else name)


def modules_of(model: nn.Module) -> dict[str, Declared]:
    """Every module of a model by name; of an exported program, those of the original model."""
    found = declared_modules(model)
    for prefix, program in graphs_in(model):
        if isinstance(program, ScriptModule):
            continue
        below = f"{prefix}." if prefix else ""
        kept = {n: m for n, m in found.items() if n != prefix and not n.startswith(below)}
        inner = exported_modules(program)
        for name, module in inner.items():
            full = ".".join(part for part in (printable(prefix), name) if part)
            kept[full] = replace(module, name=full)
        found = kept
    return found


@contextlib.contextmanager
def graphs_observed(model: nn.Module, relay: Relay) -> Iterator[None]:
    """Within the block, ``relay`` is told what happens in the graphs of ``model``."""
    with contextlib.ExitStack() as stack:
        for prefix, module in graphs_in(model):
            name = printable(prefix)
            if isinstance(module, ScriptModule):
                stack.enter_context(scripted.observed(module, name, relay))
            else:
                stack.enter_context(interpreter.observed(module, name, relay))
        yield
