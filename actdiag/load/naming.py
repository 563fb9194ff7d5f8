"""Names that come out of a file, made safe to print where they enter (promise 5 of the design)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch

from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

Part = TypeVar("Part")
REGISTERS = ("_parameters", "_buffers", "_modules")


def safe_keys(parts: Mapping[Any, Part]) -> dict[str, Part]:
    """The same parts under names that are safe to print; names that become equal stay apart."""
    renamed: dict[str, Part] = {}
    for name, part in parts.items():
        safe = printable(name)
        while safe in renamed:
            safe += "_"
        renamed[safe] = part
    return renamed


def rename_layers(module: nn.Module) -> None:
    """Rename the layers and tensors of a trusted module whose names are not safe to print.

    Scripted modules can't be renamed; their names are made safe where they are read.
    """
    for part in module.modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue
        for register in REGISTERS:
            held = vars(part)[register]
            if any(printable(name) != name for name in held):
                vars(part)[register] = safe_keys(held)
