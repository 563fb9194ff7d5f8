"""Records as JSON values and back: schema version 1."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from enum import StrEnum
from functools import cache
from typing import Any

from actdiag.text import printable


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


class MisreadError(ValueError):
    """A JSON value that is not what the record holds there.

    Args:
        what: is wrong.
        where: from the record on, such as ``sites[3].mean``.
    """

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what, self.where = what, where

    def within(self, name: str) -> MisreadError:
        """The same, told from further out."""
        dot = "." if self.where and not self.where.startswith("[") else ""
        return MisreadError(self.what, f"{name}{dot}{self.where}")


_SCALARS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


@cache
def _required(cls: type) -> tuple[str, ...]:
    none = dataclasses.MISSING
    return tuple(
        item.name
        for item in dataclasses.fields(cls)
        if item.default is none and item.default_factory is none and not item.metadata
    )


def from_json(kind: Any, value: Any) -> Any:
    """Read a JSON value as ``kind``: the inverse of :func:`to_json`. Unknown keys are ignored.

    Raises:
        MisreadError: it is none, or some of it is missing.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        choices = [choice for choice in arguments if choice is not types.NoneType]
        return from_json(choices[0], value) if len(choices) == 1 else value
    if origin is tuple:
        return _tuple_from_json(arguments[0], value)
    if origin is dict:
        return {key: _part(arguments[1], entry, key) for key, entry in _object(value).items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record_from_json(kind, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _enum_from_json(kind, value)
    return _scalar_from_json(kind, value) if kind in _SCALARS else value


def _part(kind: Any, value: Any, name: str) -> Any:
    try:
        return from_json(kind, value)
    except MisreadError as error:
        raise error.within(name) from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MisreadError(f"{_shown(value)} is no object")
    return value


def _shown(value: Any) -> str:
    return printable(json.dumps(value), limit=40)


def _scalar_from_json(kind: Any, value: Any) -> Any:
    if kind is float and type(value) in (int, float, types.NoneType):  # null is not finite
        return value if value is None else float(value)
    if type(value) is not kind:
        raise MisreadError(f"{_shown(value)} is not {_SCALARS[kind]}")
    return value


def _enum_from_json(kind: type[StrEnum], value: Any) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise MisreadError(f"{_shown(value)} is none of {', '.join(kind)}") from None


def _tuple_from_json(kind: Any, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise MisreadError(f"{_shown(value)} is no list")
    return tuple(_part(kind, entry, f"[{index}]") for index, entry in enumerate(value))


def _record_from_json(kind: type, document: Any) -> Any:
    lacking = [name for name in _required(kind) if name not in _object(document)]
    if lacking:
        raise MisreadError(f"lacks {', '.join(lacking)}")
    arguments = {}
    for item in dataclasses.fields(kind):
        if item.metadata.get("flatten"):
            arguments[item.name] = from_json(_hints(kind)[item.name], document)
        elif item.name in document:
            arguments[item.name] = _part(_hints(kind)[item.name], document[item.name], item.name)
    return kind(**arguments)
