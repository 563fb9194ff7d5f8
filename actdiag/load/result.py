"""What loading hands on: the module if there is one, and everything the file said beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from actdiag.records import ModelInfo


@dataclass
class LoadedModel:
    """A model as it came off the disk.

    Attributes:
        module: the live module on the asked device, its training flags as they were stored; null
            when the file holds weights alone and no factory says what they belong to.
        info: the facts about the file that go into the report.
        state: the tensors of a state dict by name, prefixes such as ``module.`` removed; empty
            when the file holds no state dict.
        optimizer: the optimizer's own state as the checkpoint holds it (``state`` and
            ``param_groups``), or null.
        proposal: Python text of a factory that fits ``state``, where names and shapes prove a
            plain network; else empty.
        source_files: files of the user's own code that built the module.
        notes: what the user should know about how this was loaded, one sentence each.
    """

    module: nn.Module | None
    info: ModelInfo
    state: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] | None = None
    proposal: str = ""
    source_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
