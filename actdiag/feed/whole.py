"""Whether a forward takes its inputs as one dictionary, read off its code: ``batch["image"]``."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DICTIONARIES = ("dict", "Dict", "Mapping", "MutableMapping")
_METHODS = {"get", "items", "keys"}  # of a dictionary, and of no tensor
_DEPTH = 3  # calls that are followed: forward, a method of the model, a layer's forward


@dataclass(frozen=True)
class Whole:
    """How a forward reads its dictionary.

    Attributes:
        needs: keys that it looks up, as in ``batch["image"]``.
        may: keys that it asks for, as in ``batch.get("mask")``.
        every: whether it may read others too, as ``**batch`` does.
        either: whether it looks what it was given, so that a tensor may do as well.
    """

    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    every: bool = False
    either: bool = False

    def __or__(self, other: Whole) -> Whole:
        return Whole(
            self.needs | other.needs,
            self.may | other.may,
            self.every or other.every,
            self.either or other.either,
        )

    @property
    def keys(self) -> frozenset[str]:
        """All the keys that are named."""
        return self.needs | self.may


def whole_of(module: nn.Module) -> Whole | None:
    """How the forward reads the one dictionary it takes; null where nothing tells that it does.

    It does where its only required argument is annotated as a dictionary, or its code, or that of
    what it hands the argument to, uses it as one before anything else is put under that name.
    """
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        return None
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or any(p.default is p.empty for p in parameters[1:] if p.kind in named):
        return None
    first = parameters[0]
    if first.kind not in named:
        return None
    read = _read(module, module.forward, first.name, _DEPTH)
    annotated = _is_dictionary(first.annotation)
    if not (annotated or read.keys or read.every):
        return None
    return read | Whole(every=True) if annotated and not read.keys else read


def _is_dictionary(annotation: Any) -> bool:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.partition("[")[0].rpartition(".")[2] in _DICTIONARIES


def _read(module: nn.Module, function: Callable[..., Any], name: str, depth: int) -> Whole:
    """What the code of ``function`` reads from its argument ``name``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return Whole()
    found = Whole()
    for node in _before_overwritten(tree, name):
        found |= _use(node, name)
        if depth > 1 and isinstance(node, ast.Call):
            found |= _handed_on(module, node, name, depth - 1)
    return found


def _before_overwritten(tree: ast.AST, name: str) -> Iterator[ast.AST]:
    """The nodes up to the first statement that puts something else under the name."""
    stored = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    ]
    last = min(stored, default=None)
    return (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.expr) and (last is None or node.lineno <= last)
    )


def _use(node: ast.AST, name: str) -> Whole:
    """What one expression tells."""
    match node:
        case ast.Subscript(value=ast.Name(id=used), slice=ast.Constant(value=str(key))):
            return Whole(needs=frozenset({key})) if used == name else Whole()
        case ast.Compare(
            left=ast.Constant(value=str(key)), ops=[ast.In() | ast.NotIn()], comparators=[given]
        ) if _is(given, name):
            return Whole(may=frozenset({key}))
        case ast.Call(func=ast.Attribute(value=given, attr=method), args=args) if (
            method in _METHODS and _is(given, name)
        ):
            match method, args:
                case "get", [ast.Constant(value=str(key)), *_]:
                    return Whole(may=frozenset({key}))
            return Whole(every=True)
        case ast.Call(func=ast.Name(id="isinstance"), args=[given, *_]) if _is(given, name):
            return Whole(either=True)
        case ast.Call(keywords=keywords) if any(
            keyword.arg is None and _is(keyword.value, name) for keyword in keywords
        ):
            return Whole(every=True)
    return Whole()


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _handed_on(module: nn.Module, call: ast.Call, name: str, depth: int) -> Whole:
    """What a method or a layer of the model does with the argument: ``self.encode(batch)``."""
    place = next((i for i, given in enumerate(call.args) if _is(given, name)), None)
    match call.func:
        case ast.Attribute(value=ast.Name(id="self"), attr=called) if place is not None:
            target = getattr(module, called, None)
        case _:
            return Whole()
    owner = target if isinstance(target, nn.Module) else module
    function = target.forward if isinstance(target, nn.Module) else target
    if not inspect.ismethod(function):
        return Whole()
    parameters = list(inspect.signature(function).parameters)
    return _read(owner, function, parameters[place], depth) if place < len(parameters) else Whole()
