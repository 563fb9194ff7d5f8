"""Stands between a graph that runs and the observer: modules that begin and end, operators called.

What runs the graph (TorchScript's interpreter or that of ``torch.fx``) says what happens; here it
becomes the same calls of the same functions that Python code would make.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from actdiag.capture.aten import Turned, short_name, translated
from actdiag.capture.attention import attend_within
from actdiag.capture.composed import Composed
from actdiag.capture.mode import observe
from actdiag.capture.observer import Call
from actdiag.capture.operations import Kind
from actdiag.capture.rebuilt import rebuilt
from actdiag.capture.unfused import named, parts_of
from actdiag.capture.whole import whole as whole_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch._ops import OpOverload

    from actdiag.capture.observer import Observer
    from actdiag.capture.operations import Operation

_PASSES = re.compile(r"\w*Dropout\w*|Identity")  # a decomposed one gives a copy of what it took


@dataclass(slots=True)
class _Whole:
    """A module that is one call, while it runs: what is inside is not observed."""

    operation: Operation
    depth: int
    inner: Call | None = None
    is_softmax: bool = False


class Relay:
    """Tells an observer what a graph does.

    Attributes:
        error: the exception that an operator raised, as it was raised.
        failed_in: name of the module in which it did.
        layers: the layers called so far, by the names of the modules, rebuilt from their calls.
    """

    def __init__(self, observer: Observer) -> None:
        self.error: Exception | None = None
        self.failed_in = ""
        self.layers: dict[str, nn.Module] = {}
        self._observer = observer
        self._stack = observer.stack
        self._turned = Turned()
        self._composed = Composed(observer)
        self._whole: _Whole | None = None

    def begin(self) -> int:
        """A graph begins to run; gives how many modules are running around it."""
        self.error = None
        return len(self._stack.running)

    def end(self, depth: int) -> None:
        """It has ended, perhaps by an exception."""
        del self._stack.running[depth:]
        self._whole = None
        self._turned.clear()
        self._composed.clear()

    def depth_within(self, prefix: str) -> int:
        """How many modules are running inside the one named ``prefix``."""
        names = [running.place.module for running in self._stack.running]
        return len(names) - 1 - names.index(prefix) if prefix in names else len(names)

    def operators_are_one(self, name: str, operators: set[str]) -> bool:
        """Whether the module of that name is one call, given the operators within it."""
        return whole_operation(self._stack.declared[name].qualified, operators) is not None

    def enter(self, name: str, *, whole: bool) -> None:
        """The module of that name begins; ``whole`` says that it is one call."""
        self._stack.enter(name)
        if whole and self._whole is None:
            operation = whole_operation(self._stack.declared[name].qualified, ())
            if operation is not None:
                self._whole = _Whole(operation, len(self._stack.running))

    def leave(self, given: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        """The module entered last took and made these tensors."""
        whole = self._whole
        with torch._C.DisableTorchFunction():  # noqa: SLF001 - an ordinary model may lie around it
            if whole is not None and whole.depth == len(self._stack.running):
                self._whole = None
                self._finish(whole, given, made)
            passes = _PASSES.fullmatch(self._stack.running[-1].place.module_class)
            self._stack.leave(tuple(given), () if passes else tuple(made))

    def _finish(self, whole: _Whole, given: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        if not made:
            return
        if whole.operation.kind is Kind.MULTI_HEAD and len(given) == 1:
            given = [*given] * 3  # query, key and value
        single = whole.operation.kind is Kind.ACTIVATION
        result = made[0] if single else tuple(made)
        observe(self._observer, whole.operation, Call(lambda *_: result, tuple(given), {}))
        if whole.inner is not None:
            attend_within(self._observer, result, whole.inner, softmax=whole.is_softmax, heads=None)

    def call(self, operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator and observe it."""
        parts = parts_of(operator)
        try:
            if parts is not None and self._whole is None:
                return parts(self._within, **named(operator, args, kwargs))
            with torch._C.DisableTorchFunction():  # noqa: SLF001 - an ordinary model may lie around it
                return self._call(operator, args, kwargs)
        except Exception as error:
            if self.error is None:
                self.error = error
                self.failed_in = self._stack.place().module
            raise

    @contextlib.contextmanager
    def _within(self, weight: Tensor, layer: nn.Module | None = None) -> Iterator[None]:
        """The module that owns the weight runs, as far as calls inside the block go."""
        name = self._observer.owner(weight)
        if name is not None and layer is not None:
            self.layers[name] = layer
        running = self._stack.running
        if name is None or (running and running[-1].place.module == name):
            yield
            return
        self._stack.enter(name)
        try:
            yield
        finally:
            self._stack.running.pop()

    def _call(self, operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operation, call = translated(operator, args, kwargs, self._turned)
        trails = self._observer.trails(call)
        place = self._stack.place()
        if place.own_name and operation.kind is Kind.LAYER and place.module not in self.layers:
            layer = rebuilt(operator, args)
            if layer is not None:
                self.layers[place.module] = layer
        if self._whole is not None:
            return self._inside(self._whole, operation, call)
        source = call.first()
        results: list[Any] = []

        def made(*args: Any, **kwargs: Any) -> Any:
            results.append(call.function(*args, **kwargs))
            several = operation.kind in (Kind.ACTIVATION, Kind.SOFTMAX)
            several = several and isinstance(results[0], tuple)
            return results[0][0] if several else results[0]

        made.__name__ = short_name(operator)
        self._composed.observe(operation, Call(made, call.args, call.kwargs))
        if not trails and source is not None:
            self._turned.note(operator, source, results[0])
        return results[0]

    def _inside(self, whole: _Whole, operation: Operation, call: Call) -> Any:
        if operation.kind in (Kind.ATTENTION, Kind.SOFTMAX):
            whole.inner, whole.is_softmax = call, operation.kind is Kind.SOFTMAX
        return call.make()
