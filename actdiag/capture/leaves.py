"""Layers of ``torch.nn`` that make one call: from the second pass on without hooks and mode.

To follow a module into its one function costs as much as to measure what that gives. As long as a
layer is as it was and is given what it was given before, the function will be called as before. So
the forwards of these classes ask here first, as long as a model is observed; copies of its layers,
and layers of other models, are none of ours.
"""

from __future__ import annotations

import functools
import weakref
from dataclasses import dataclass
from operator import is_
from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.transforms import transforming

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from actdiag.capture.modules import ModuleStack
    from actdiag.capture.repeats import Calls, Repeats

_TORCH = "torch.nn.modules."
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def is_plain_layer(module: nn.Module) -> bool:
    """Whether nobody changed what a layer of ``torch.nn`` does when it is called."""
    own, kind = module.__dict__, type(module)
    if not kind.__module__.startswith(_TORCH) or "forward" in own:
        return False
    if any(own.get(name) for name in _HOOKS):
        return False
    return (getattr(kind.forward, "__module__", None) or "").startswith(_TORCH)


@dataclass(slots=True)
class _Leaf:
    """A layer; ``calls`` are those of its function once it was seen to make one, as it was then."""

    name: str
    calls: Calls | None = None
    attributes: tuple[Any, ...] = ()
    weights: tuple[Any, ...] = ()

    def note(self, module: nn.Module, calls: Calls | None) -> None:
        """The layer as it is now makes one of these calls, or null."""
        attributes = _attributes(module)
        # Other tensors, and what became of a layer since, may be computed from the data.
        steady = is_plain_layer(module) and not any(isinstance(own, Tensor) for own in attributes)
        self.calls = calls if steady else None
        if self.calls is not None:
            self.attributes, self.weights = attributes, _weights(module)

    def is_as_noted(self, module: nn.Module) -> bool:
        """Whether nothing of the layer was replaced since."""
        return _are(self.attributes, _attributes(module)) and _are(self.weights, _weights(module))


def _attributes(module: nn.Module) -> tuple[Any, ...]:
    return tuple(module.__dict__.values())


def _weights(module: nn.Module) -> tuple[Any, ...]:
    """Parameters and buffers, with null for those that the layer was made without."""
    return (*module._parameters.values(), *module._buffers.values())  # noqa: SLF001 - unsearched


def _are(values: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    return len(values) == len(now) and all(map(is_, values, now))


# What stood in the place of the forwards that closed captures put there.
_BEFORE: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def _put_back(kind: Any) -> None:
    """The class as it was before all captures that are closed; not below what others put there."""
    while (forward := kind.__dict__.get("forward")) in _BEFORE:
        before = _BEFORE.pop(forward)
        if before is None:
            del kind.forward  # it was inherited
        else:
            kind.forward = before


def _in_place_of(forward: Any, watched: Any) -> Any:
    """``watched`` so that TorchScript, which may compile such a layer meanwhile, finds ``forward``.

    It reads the source of what is wrapped, and looks up the names therein where the wrapper's are.
    """
    code, names, cells = watched.__code__, forward.__globals__, watched.__closure__
    return functools.update_wrapper(FunctionType(code, names, closure=cells), forward)


class Leaves:
    """The plain layers of a model; use as a context manager around its passes.

    Args:
        layers: their names.
        stack: is told which of them runs where a call is looked into.
        repeats: knows the calls of earlier passes.
    """

    def __init__(
        self, layers: Mapping[nn.Module, str], stack: ModuleStack, repeats: Repeats
    ) -> None:
        self._leaves = {module: _Leaf(name) for module, name in layers.items()}
        self._stack, self._repeats = stack, repeats
        self._replaced: list[tuple[Any, Any, Any]] = []

    def __enter__(self) -> None:
        """The classes ask first."""
        forwards: dict[Any, Any] = {type(module): type(module).forward for module in self._leaves}
        for kind, forward in forwards.items():
            watched = self._watched(forward)
            self._replaced.append((kind, kind.__dict__.get("forward"), watched))
            kind.forward = watched

    def __exit__(self, *_: object) -> None:
        """The classes are as they were, unless somebody else changed them too."""
        for kind, before, watched in reversed(self._replaced):
            _BEFORE[watched] = before
            _put_back(kind)
        self._replaced.clear()
        self._leaves.clear()

    def _watched(self, forward: Callable[..., Any]) -> Any:
        def watched(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            leaf = self._leaves.get(module)
            if leaf is None or not self._stack.follows(leaf.name):
                return forward(module, *args, **kwargs)
            if leaf.calls is not None and len(args) == 1 and not kwargs and self._is_seen():
                output = self._again(leaf, leaf.calls, forward, module, args[0])
                if output is not None:
                    return output
            return self._anew(leaf, forward, module, args, kwargs)

        return _in_place_of(forward, watched)

    def _is_seen(self) -> bool:
        """Whether the mode would be the only one to see what the layer calls."""
        enabled = torch._C._is_torch_function_mode_enabled()  # noqa: SLF001 - nothing public tells it
        alone = torch._C._len_torch_function_stack() == 1  # noqa: SLF001
        return enabled and alone and not transforming()

    def _again(
        self, leaf: _Leaf, calls: Calls, forward: Callable[..., Any], module: nn.Module, x: Any
    ) -> Tensor | None:
        """What the layer gives, measured as before; null where anything is new."""
        with torch._C.DisableTorchFunction():  # noqa: SLF001 - the mode is not to see this
            found = self._repeats.coming(calls, x, leaf.weights)
            if found is None or not leaf.is_as_noted(module):
                return None
            self._stack.calls[leaf.name] += 1
            return self._repeats.again(calls, found, functools.partial(forward, module, x), x)

    def _anew(
        self,
        leaf: _Leaf,
        forward: Callable[..., Any],
        module: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Look into the layer."""
        running, repeats, seen = self._stack.running, self._repeats, self._is_seen()
        depth, begun = len(running), repeats.begun
        self._stack.enter(leaf.name)
        try:
            output = forward(module, *args, **kwargs)
        except BaseException:
            del running[depth:]
            raise
        opened = self._stack.opened
        if len(running) == depth + 1:
            self._stack.leave(args, output)
        if seen and len(args) == 1 and not kwargs:
            makes_one = repeats.begun == begun + 1 and opened == self._stack.opened
            leaf.note(module, repeats.latest if makes_one else None)
        return output
