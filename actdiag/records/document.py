"""Records as JSON values and back: schema version 1."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from enum import StrEnum
from functools import cache
from typing import Any


def to_json(value: Any) -> Any:
    """A record as JSON values: tuples become lists, non-finite floats null, enums their text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        document: dict[str, Any] = {}
        for item in dataclasses.fields(value):
            written = to_json(getattr(value, item.name))
            if item.metadata.get("flatten"):
                document.update(written)
            else:
                document[item.name] = written
        return document
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(entry) for entry in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def from_json(kind: Any, value: Any) -> Any:
    """Read a JSON value as ``kind``: the inverse of :func:`to_json`. Unknown keys are ignored."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        choices = [choice for choice in arguments if choice is not types.NoneType]
        return from_json(choices[0], value) if len(choices) == 1 else value
    if origin is tuple:
        return tuple(from_json(arguments[0], entry) for entry in value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record_from_json(kind, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is float and isinstance(value, int):
        return float(value)
    return value


def _record_from_json(kind: type, document: dict[str, Any]) -> Any:
    arguments = {}
    for item in dataclasses.fields(kind):
        if item.metadata.get("flatten"):
            arguments[item.name] = from_json(_hints(kind)[item.name], document)
        elif item.name in document:
            arguments[item.name] = from_json(_hints(kind)[item.name], document[item.name])
    return kind(**arguments)
