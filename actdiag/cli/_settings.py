"""The settings that a configuration file may hold: the options of the commands, read off them.

A key is the option's long flag with underscores. At the top of the table it holds for every command
that has the option, in a table of the command's name for that command alone.
"""

from __future__ import annotations

import inspect
import types
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model

from actdiag.config import IgnoredEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What a command prints and writes is its own: the report that scan writes is what report reads.
OWN = frozenset({"format", "plot", "report", "save"})
# In these commands an option means something else than in scan.
ANOTHER = {"try": frozenset({"batch_size", "steps"})}
# Arguments that a file may give as well, by the command's parameter.
_ARGUMENTS = {"wanted": "models"}
# How to get at the configuration cannot stand in it.
_ABOUT = frozenset({"config", "show_config"})


@dataclass(frozen=True, slots=True)
class Setting:
    """An option: its key in a file, the command's parameter, and what it may be."""

    key: str
    parameter: str
    kind: Any
    least: float | None = None
    most: float | None = None

    @property
    def field(self) -> Any:
        """What pydantic checks a value of a file against."""
        if self.key == "model_args":
            return dict[str, JsonValue]
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return Literal[tuple(each.value for each in self.kind)]
        if self.kind in (str, Path):
            return Annotated[str, Field(min_length=1)]
        return (
            Annotated[self.kind, Field(ge=self.least, le=self.most)] if self.bounded else self.kind
        )

    @property
    def bounded(self) -> bool:
        """Whether there is a least or a most value."""
        return self.least is not None or self.most is not None


def settings_of(command: Callable[..., Any]) -> dict[str, Setting]:
    """The settings of a command by key, in the order of its options."""
    found = (
        _setting(parameter)
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
    )
    return {one.key: one for one in found if one is not None and one.key not in _ABOUT}


def _setting(parameter: inspect.Parameter) -> Setting | None:
    kind, declared = get_args(parameter.annotation)[:2]
    if isinstance(declared.default, str):
        key = declared.default.lstrip("-").replace("-", "_")
    elif parameter.name in _ARGUMENTS:
        key = _ARGUMENTS[parameter.name]
    else:
        return None
    return Setting(key, parameter.name, _without_none(kind), declared.min, declared.max)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (types.UnionType, Union):
        (kind,) = (each for each in get_args(kind) if each is not type(None))
    return kind


def shared(command: str, own: Mapping[str, Setting]) -> dict[str, Setting]:
    """The settings of a command that a key at the top of the table sets too."""
    apart = OWN | ANOTHER.get(command, frozenset())
    return {key: one for key, one in own.items() if key not in apart}


def model_of(name: str, settings: Mapping[str, Setting]) -> type[BaseModel]:
    """A strict model that knows these settings alone."""
    fields: dict[str, Any] = {key: (one.field, None) for key, one in settings.items()}
    return _created(name, fields)


def top_of(commands: Mapping[str, Mapping[str, Setting]]) -> type[BaseModel]:
    """The model of a whole table: what commands share, rules, and a table for each command."""
    fields: dict[str, Any] = {}
    for name, own in commands.items():
        for key, one in shared(name, own).items():
            fields.setdefault(key, (one.field, None))
    fields["ignore"] = (list[IgnoredEntry], [])
    fields["rules"] = (dict[str, dict[str, float]], {})
    fields |= {name: (dict[str, Any], {}) for name in commands}
    return _created("Table", fields)


def _created(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    # Aliases, since a field may not be called like a method of the model, but an option may.
    renamed: dict[str, Any] = {
        f"{key}_": (kind, Field(default, alias=key)) for key, (kind, default) in fields.items()
    }
    config = ConfigDict(strict=True, extra="forbid", frozen=True, protected_namespaces=())
    return create_model(name, __config__=config, **renamed)
