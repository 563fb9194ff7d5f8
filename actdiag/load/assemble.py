"""From the inert tree that a safe load gives to live modules, after a look at every part of it.

Nothing of the file's choosing is called here. Each module is made with ``cls.__new__`` and given
its state with the class's own ``__setstate__`` (which fills in what older versions lacked), once
the state is known to hold nothing but numbers, text, tensors, modules and plain activation
functions, in places where data belongs.
"""

from __future__ import annotations

import inspect
from collections import Counter, OrderedDict
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from actdiag.arrays import ArrayShell, DtypeShell
from actdiag.errors import ModelFileError
from actdiag.load.naming import REGISTERS, safe_keys
from actdiag.load.plaindata import NamespaceShell
from actdiag.load.shells import FunctionShell, Shell
from actdiag.load.tensors import plain_tensor
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEPTH_LIMIT = 150  # our choice: far above any real nesting, below Python's own recursion limit
ATOMS: tuple[type, ...] = (type(None), bool, int, float, complex, str, bytes, bytearray, torch.Size)
ATOMS += (torch.dtype, torch.device, torch.layout, torch.memory_format, torch.qscheme)
SUSPECT = "Don't trust this file; a module saved by torch.save has no such thing."


def assemble(value: Any, shown: str, opaque: Iterable[Any] = ()) -> Any:
    """A copy of ``value`` in which every shell has become what it stands for.

    Args:
        value: what a safe load returned.
        shown: the file's path, safe to print.
        opaque: classes and functions that the user allowed; they and their instances are taken
            as they are.

    Raises:
        ModelFileError: something is where it can't be, or is nested endlessly.
    """
    return _Assembly(shown, tuple(opaque)).build(value, 0)


class _Assembly:
    def __init__(self, shown: str, opaque: tuple[Any, ...]) -> None:
        self.shown = shown
        self.opaque = opaque
        self.done: dict[int, Any] = {}
        self.open: set[int] = set()

    def build(self, value: Any, depth: int) -> Any:
        if type(value) in ATOMS:
            return value
        if id(value) in self.done:
            return self.done[id(value)]
        if id(value) in self.open or depth > DEPTH_LIMIT:
            raise self._wrong("holds something that contains itself, or is nested too deeply", "")
        self.open.add(id(value))
        built = self._build(value, depth + 1)
        self.open.discard(id(value))
        self.done[id(value)] = built
        return built

    def _build(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if isinstance(value, Tensor):
            return plain_tensor(value, self.shown)
        if isinstance(value, Shell):
            return self._module(value, depth)
        if isinstance(value, FunctionShell):
            return value.stands_for
        if kind in {dict, OrderedDict, Counter}:
            return self._dictionary(value, depth)
        if kind in {list, tuple, set}:
            return kind(self.build(item, depth) for item in value)
        if kind is ArrayShell:
            return value.array
        if kind is DtypeShell:
            return np.dtype(value.code)
        if kind is NamespaceShell:
            return self.build(value.state, depth)
        if kind in self.opaque or any(value is allowed for allowed in self.opaque):
            return self._opaque(value, depth)
        name = printable(getattr(value, "__name__", kind.__name__))
        raise self._wrong(f"holds {name} where data belongs", SUSPECT)

    def _opaque(self, value: Any, depth: int) -> Any:
        if not isinstance(value, type) and not inspect.isroutine(value):
            for name, part in vars(value).items() if hasattr(value, "__dict__") else ():
                if isinstance(part, Shell | FunctionShell):
                    vars(value)[name] = self.build(part, depth)
        return value

    def _dictionary(self, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
        # Through the type: a pickle may have set attributes that shadow the methods.
        entries = ((self.build(k, depth), self.build(v, depth)) for k, v in dict.items(value))
        built = OrderedDict(entries) if type(value) is OrderedDict else dict(entries)
        metadata = getattr(value, "__dict__", {}).get("_metadata")
        if isinstance(metadata, dict) and isinstance(built, OrderedDict):
            vars(built)["_metadata"] = self.build(metadata, depth)
        return built

    def _module(self, shell: Shell, depth: int) -> Any:
        cls = shell.stands_for
        state = shell.state
        if shell.inner is not None:
            inner = state.get("_modules", {}).get(shell.inner) if isinstance(state, dict) else None
            return self.build(inner, depth)
        if shell.arguments or not isinstance(state, dict):
            raise self._wrong(f"holds a {cls.__name__} without its state", SUSPECT)
        built = {}
        for key, entry in dict.items(state):
            self._check_attribute(cls, key, entry)
            if key.startswith("__"):  # torch.jit leaves __overloads__ behind
                continue
            part = self.build(entry, depth)
            built[key] = safe_keys(part) if key in REGISTERS and isinstance(part, dict) else part
        self._check_parts(cls, built)
        module: Any = object.__new__(cls)
        try:
            module.__setstate__(built)
            if cls.__module__.startswith("torch.nn.modules."):
                module.extra_repr()  # reads the settings of the layer: all must be there
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything
            reason = f"{type(error).__name__}: {printable(error)}"
            raise self._wrong(f"holds a damaged {cls.__name__} ({reason})", "") from None
        return module

    def _check_attribute(self, cls: type, key: Any, entry: Any) -> None:
        """Refuse a state that would replace code of the class: methods, hooks, dunder names."""
        name = printable(key)
        if type(key) is not str or key in _methods(cls):
            raise self._wrong(f"holds a {cls.__name__} that replaces {name}", SUSPECT)
        if key.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called")) and entry:
            ours = all(type(hook) in self.opaque for hook in dict.values(entry))
            if not ours:
                raise self._wrong(f"holds a {cls.__name__} with functions in {name}", SUSPECT)

    def _check_parts(self, cls: type, state: dict[str, Any]) -> None:
        allowed: dict[str, Callable[[Any], bool]] = {
            "_parameters": lambda part: part is None or isinstance(part, Tensor),
            "_buffers": lambda part: part is None or isinstance(part, Tensor),
            "_modules": lambda part: part is None or isinstance(part, nn.Module),
        }
        for key, fits in allowed.items():
            parts = state.get(key)
            if not isinstance(parts, dict) or not all(map(fits, parts.values())):
                raise self._wrong(f"holds a {cls.__name__} whose {key} is damaged", SUSPECT)
        if issubclass(cls, nn.RNNBase) and not _names_its_weights(state):
            raise self._wrong(f"holds a damaged {cls.__name__}", SUSPECT)

    def _wrong(self, what: str, hint: str) -> ModelFileError:
        return ModelFileError(f"{self.shown} {what}.", hint=hint or "Save or copy it again.")


@cache
def _methods(cls: type) -> frozenset[str]:
    """Names that hold code in the class: an instance attribute would shadow it."""
    return frozenset(
        name
        for name in dir(cls)
        if not isinstance(found := inspect.getattr_static(cls, name, None), type)
        and (callable(found) or isinstance(found, property | staticmethod | classmethod))
    )


def _names_its_weights(state: dict[str, Any]) -> bool:
    """Whether a recurrent layer's lists of weight names are lists of its parameters' names."""
    names, known = state.get("_all_weights"), state.get("_parameters", {})
    if not isinstance(names, list) or not names:
        return False
    flat = [name for group in names if isinstance(group, list) for name in group]
    listed = state.get("_flat_weights_names", flat)
    return (
        all(isinstance(group, list) and group for group in names)
        and isinstance(listed, list)
        and all(isinstance(name, str) and name in known for name in [*flat, *listed])
    )
