"""The layers of a pickled module, TorchScript archive or state dict, without loading it.

Works on what :mod:`actdiag.load.inert` reads: for files that need trust to be loaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.load.inert import STORAGE, Made, Named
from actdiag.load.layers import (
    STATISTICS,
    function_of,
    layers_of_tensors,
    plain_settings,
)
from actdiag.records import Layer, TensorFacts
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Called = Callable[[str], dict[str, str]]

DEPTH_LIMIT = 60  # our choice: no real model nests its modules half as deep
LAYER_LIMIT = 100_000  # our choice: the largest real models have a tenth of it
SIZE_LIMIT = 1 << 60  # elements that no file can hold: what says so is no shape
AXES_LIMIT = 64  # torch's own
SCRIPTED = "__torch__."
STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
}  # fmt: skip
_REBUILD_TENSOR, _REBUILD_PARAMETER = "torch._utils._rebuild_tensor", "torch._utils._rebuild_param"
_REBUILD_QUANTISED = "torch._utils._rebuild_qtensor"
_FROM_TYPE = "torch._tensor._rebuild_from_type_v2"
_TYPED = 6  # position of the dtype in the arguments of _rebuild_tensor_v3


@dataclass
class Outline:
    """What could be told.

    Attributes:
        layers: the tree; empty when nothing in the file looks like a model.
        rest: a checkpoint's other entries, inert.
        whole: whether it is a whole module, whose classes are named.
    """

    layers: tuple[Layer, ...] = ()
    rest: dict[str, Any] = field(default_factory=dict)
    whole: bool = False


def outline(value: Any, called: Called = lambda _: {}, part: str = "") -> Outline:
    """The layers in what an inert reading gave: a module, a state dict, or a dict around one.

    ``called`` gives the activation functions that the code of a scripted class calls, ``part`` the
    key of the one that is meant; dots go deeper.
    """
    if part:
        return outline(_part(value, part), called)
    if _is_module(value):
        return Outline(tuple(_walk(value, called)), whole=True)
    entries = _entries(value)
    if found := _state_layers(entries):
        return Outline(found)
    for key, entry in entries.items():
        rest = {name: other for name, other in entries.items() if name != key}
        if _is_module(entry):
            return Outline(tuple(_walk(entry, called)), rest, whole=True)
        if found := _state_layers(_entries(entry)):
            return Outline(found, rest)
    return Outline(rest=entries)


def _part(value: Any, part: str) -> Any:
    """The entry under a key, or what lies deeper, where the key has dots; None if there is none."""
    if part in (entries := _entries(value)):
        return entries[part]
    for key in part.split("."):
        value = _entries(value).get(key)
    return value


def _entries(value: Any) -> dict[str, Any]:
    """The text keys of a dictionary, or of an object that behaves as one (OrderedDict)."""
    if isinstance(value, Made):
        pairs = value.entries
    elif isinstance(value, dict):
        pairs = list(value.items())
    else:
        return {}
    return {key: entry for key, entry in pairs if isinstance(key, str)}


def _attributes(value: Any) -> dict[str, Any]:
    """What an object's BUILD gave, or the entries of one that is a dictionary."""
    state = value.state if isinstance(value, Made) else None
    if isinstance(state, tuple) and state:
        state = state[0]
    return _entries(state)


def _is_module(value: Any) -> bool:
    if not isinstance(value, Made):
        return False
    scripted = value.name.startswith(SCRIPTED) and value.state is not None
    return scripted or {"_parameters", "_modules"} <= set(_attributes(value))


def _state_layers(entries: dict[str, Any]) -> tuple[Layer, ...]:
    seen: set[Any] = set()
    facts = [
        (name, found)
        for name, entry in entries.items()
        if (found := _facts(name.rpartition(".")[2], entry, seen)) is not None
    ]
    return layers_of_tensors(facts) if facts and 2 * len(facts) >= len(entries) else ()


def _walk(root: Made, called: Called) -> Iterator[Layer]:
    """The module and all below it, parents first; a module that is there twice is told once."""
    seen: set[Any] = set()
    told: set[int] = set()
    waiting: list[tuple[str, int, Made]] = [("", 0, root)]
    while waiting and len(told) < LAYER_LIMIT:
        name, depth, made = waiting.pop()
        if id(made) in told or depth > DEPTH_LIMIT:
            continue
        told.add(id(made))
        attributes = _attributes(made)
        layer = _layer(name, depth, made, attributes, seen)
        scripted = made.name.startswith(SCRIPTED) and not layer.function
        inside = called(made.name) if scripted else {}
        yield replace(layer, functions=layer.functions | inside)
        children = [
            (f"{name}.{printable(key)}".lstrip("."), depth + 1, child)
            for key, child in _children(made, attributes)
        ]
        waiting += reversed(children)


def _children(made: Made, attributes: dict[str, Any]) -> Iterator[tuple[str, Made]]:
    scripted = made.name.startswith(SCRIPTED)
    parts = attributes if scripted else _entries(attributes.get("_modules"))
    for key, child in parts.items():
        if isinstance(child, Made) and _is_module(child):
            yield key, child


def _layer(name: str, depth: int, made: Made, attributes: dict[str, Any], seen: set[Any]) -> Layer:
    class_path = _class_path(made.name)
    kept = {
        printable(attribute): row.name
        for attribute, value in attributes.items()
        if isinstance(value, Named) and (row := functions.by_callable(value.name)) is not None
    }
    return Layer(
        name=name,
        depth=depth,
        class_path=printable(class_path),
        tensors=tuple(_tensors(made, attributes, seen)),
        function=function_of([class_path], attributes),
        functions=kept,
        settings=plain_settings(attributes),
    )


def _class_path(name: str) -> str:
    """The name that a scripted class had: without ``__torch__.`` and ``___torch_mangle_3.``."""
    parts = name.removeprefix(SCRIPTED).split(".")
    return ".".join(part for part in parts if not part.startswith("___torch_mangle_"))


def _tensors(made: Made, attributes: dict[str, Any], seen: set[Any]) -> Iterator[TensorFacts]:
    if made.name.startswith(SCRIPTED):
        groups = {"": attributes}
    else:
        groups = {key: _entries(attributes.get(key)) for key in ("_parameters", "_buffers")}
    for group, entries in groups.items():
        for key, entry in entries.items():
            facts = _facts(key, entry, seen, buffer=group == "_buffers")
            if facts is not None:
                yield facts


def _facts(name: str, value: Any, seen: set[Any], *, buffer: bool = False) -> TensorFacts | None:
    """What a call that rebuilds a tensor says of it; null for anything else."""
    trainable = True
    for _ in range(DEPTH_LIMIT):  # a parameter is rebuilt around a tensor
        if not isinstance(value, Made):
            return None
        called, arguments = value.name, value.arguments
        if called.startswith(_REBUILD_PARAMETER) and len(arguments) > 1:
            value, trainable = arguments[0], arguments[1] is True
        elif called == _FROM_TYPE and len(arguments) > 2 and isinstance(arguments[0], Named):  # noqa: PLR2004
            value = Made(arguments[0].name, _tuple(arguments[2]))
        else:
            break
    if not isinstance(value, Made) or not value.name.startswith(
        (_REBUILD_TENSOR, _REBUILD_QUANTISED)
    ):
        return None
    storage, *more = value.arguments
    shape = _shape(more[1]) if len(more) > 1 else None
    place = _storage_key(storage), more[0] if more else 0, shape
    shared = place in seen and place[0] is not None
    seen.add(place)
    return TensorFacts(
        name=printable(name),
        shape=shape,
        dtype=_dtype(value.arguments),
        trainable=trainable and not buffer,
        buffer=buffer or name in STATISTICS,
        shared=shared,
    )


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _shape(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, Made):  # torch.Size((3, 4))
        value = value.arguments[0] if value.arguments else ()
    if not isinstance(value, tuple) or len(value) > AXES_LIMIT:
        return None
    if not all(type(size) is int and 0 <= size < SIZE_LIMIT for size in value):
        return None
    return value if math.prod(value) < SIZE_LIMIT else None


def _storage_key(storage: Any) -> str | None:
    if isinstance(storage, Made) and storage.name == STORAGE and len(storage.arguments) > 2:  # noqa: PLR2004
        key = storage.arguments[2]
        return key if isinstance(key, str) else None
    return None


def _dtype(arguments: tuple[Any, ...]) -> str | None:
    typed = arguments[_TYPED] if len(arguments) > _TYPED else None
    if isinstance(typed, Named):
        return printable(typed.name.removeprefix("torch."))
    storage = arguments[0]
    if isinstance(storage, Made) and len(storage.arguments) > 1:
        kind = storage.arguments[1]
        return STORAGES.get(kind.name.rpartition(".")[2]) if isinstance(kind, Named) else None
    return None
