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
from torch import Tensor, nn
from torch._C import _functorch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actdiag.capture.modules import ModuleStack
    from actdiag.capture.recorder import Recorder
    from actdiag.capture.repeats import Calls, Found, Repeats

# Nothing public tells whether the mode, and it alone, would see what a layer calls.
_modes, _enabled = torch._C._len_torch_function_stack, torch._C._is_torch_function_mode_enabled  # noqa: SLF001
_transform = _functorch.peek_interpreter_stack
_DisableTorchFunction = torch._C.DisableTorchFunction  # noqa: SLF001

_TORCH = "torch.nn.modules."
SILENT = (nn.Sequential, nn.Identity)
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
    """A layer; ``silent`` ones call no function themselves.

    ``calls`` are those of its function once it was seen to make one, as it was then.
    """

    name: str
    silent: bool = False
    calls: Calls | None = None
    weights: tuple[Any, ...] = ()
    attributes: tuple[Any, ...] = ()

    def note(self, module: nn.Module, calls: Calls | None) -> None:
        """The layer as it is now makes one of these calls, or null."""
        own = module.__dict__
        # Other tensors, and what became of a layer since, may be computed from the data.
        steady = is_plain_layer(module) and not any(isinstance(it, Tensor) for it in own.values())
        self.calls = calls if steady else None
        if self.calls is not None:
            # With null for weights that the layer was made without.
            self.weights = (*own["_parameters"].values(), *own["_buffers"].values())
            self.attributes = (*own.values(),)


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
        recorder: measures what they give.
        repeats: knows the calls of earlier passes.
    """

    def __init__(
        self,
        layers: Mapping[nn.Module, str],
        stack: ModuleStack,
        recorder: Recorder,
        repeats: Repeats,
    ) -> None:
        self._leaves = {
            module: _Leaf(name, silent=type(module) in SILENT) for module, name in layers.items()
        }
        self._stack, self._recorder, self._repeats = stack, recorder, repeats
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
            if leaf.silent:
                self._stack.calls[leaf.name] += 1
                return forward(module, *args, **kwargs)
            if leaf.calls is not None and len(args) == 1 and not kwargs:
                output = self._again(leaf, leaf.calls, forward, module, args[0])
                if output is not None:
                    return output
            return self._anew(leaf, forward, module, args, kwargs)

        return _in_place_of(forward, watched)

    # The next two are in few pieces on purpose. Between two layers the caches are cold, so that
    # each function on the way takes some microseconds by being there.

    def _again(
        self, leaf: _Leaf, calls: Calls, forward: Callable[..., Any], module: nn.Module, x: Any
    ) -> Tensor | None:
        """What the layer gives, measured as before; null where anything is new."""
        if _modes() != 1 or not _enabled() or _transform() is not None:
            return None
        recorder = self._recorder
        with _DisableTorchFunction():  # the mode is not to see this
            found = calls.coming(recorder.turn)
            if found is None or not self._is_as_before(leaf, found, module, x):
                return None
            site, after = found.site, found.after
            calls.met += 1
            self._stack.calls[leaf.name] += 1
            self._repeats.begun += 1
            if site is not None and found.source is not None:
                recorder.meet(site, found.counts)
                recorder.measure_input(site, x, found.source[1])
                output: Tensor = forward(module, x)
            else:
                output = forward(module, x)
                recorder.meet(site, found.counts)  # not if it raised: the next call opens the site
            if site is not None and after is not None:
                self._stack.opened += 1
                recorder.measure(site, output, after, called=found.source is not None)
            elif after is not None:
                recorder.trails.put(output, after)
            return output

    def _is_as_before(self, leaf: _Leaf, found: Found, module: nn.Module, x: Any) -> bool:
        """Whether the layer is as it was, and ``x`` means what it meant."""
        recorder, held = self._recorder, found.alone
        known, numbers = recorder.trails.known, recorder.counts.numbers
        entry = known.get(id(x))
        if held is None or entry is None or entry[1] is not held.trail or entry[0]() is not x:
            return False
        if not (held.guard(x) or held.is_like(x)):
            return False
        if recorder.samples != found.given.samples or recorder.left is not None:
            return False
        for key, number in found.counts:
            if numbers.get(key, 0) != number - 1:
                return False
        for weight in leaf.weights:  # none may be computed from the data
            if id(weight) in known:
                return False
        own = module.__dict__
        weights = (*own["_parameters"].values(), *own["_buffers"].values())
        if len(weights) != len(leaf.weights) or not all(map(is_, weights, leaf.weights)):
            return False
        try:
            return (*own.values(),) == leaf.attributes
        except Exception:  # noqa: BLE001 - what is there now cannot be compared
            return False

    def _anew(
        self,
        leaf: _Leaf,
        forward: Callable[..., Any],
        module: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Look into the layer."""
        running, repeats = self._stack.running, self._repeats
        depth, begun = len(running), repeats.begun
        seen = _modes() == 1 and _enabled() and _transform() is None
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
