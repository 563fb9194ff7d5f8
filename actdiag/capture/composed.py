"""Activations that torch itself composes of others: softsign, tanhshrink and softmin.

Called from Python each is one function; a graph holds only its parts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag import functions
from actdiag.capture.activations import activate
from actdiag.capture.mode import observe
from actdiag.capture.observer import Call
from actdiag.capture.operations import Kind

if TYPE_CHECKING:
    from actdiag.capture.observer import Observer
    from actdiag.capture.operations import Operation

_PARTS = 4  # our choice: the parts of one activation follow each other closely


class Composed:
    """Watches operations go by and makes one of those that belong together."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._parts: dict[int, tuple[str, Tensor, Tensor]] = {}
        self._told_of_abs: str | None = None

    def clear(self) -> None:
        """The graph has run."""
        self._parts.clear()

    def observe(self, operation: Operation, call: Call) -> Any:
        """Observe a call, or the activation that it completes."""
        first = call.args[0] if call.args and isinstance(call.args[0], Tensor) else None
        if first is None or self._observer.recorder.trails.of(first) is None:
            return observe(self._observer, operation, call)
        second = call.args[1] if len(call.args) > 1 else None
        if operation.name == "div" and self._part("1 + |x|", second) is first:
            self._observer.not_captured.pop(self._told_of_abs or "", None)
            return activate(self._observer, functions.get("softsign"), self._alone(call))
        if operation.name == "sub" and self._is_tanh_of(second, first):
            return activate(self._observer, functions.get("tanhshrink"), self._alone(call))
        if operation.kind is Kind.SOFTMAX and self._part("-x", first) is not None:
            row = functions.get("softmin")
            operation = replace(operation, name=row.name, row=row, kind=Kind.ACTIVATION)
        told = set(self._observer.not_captured)
        result = observe(self._observer, operation, call)
        if operation.name == "abs":
            self._told_of_abs = next(iter(set(self._observer.not_captured) - told), None)
        self._note(operation.name, first, second, result)
        return result

    def _note(self, name: str, first: Tensor, second: Any, result: Any) -> None:
        base = self._part("|x|", first)
        if name == "abs":
            self._parts[id(result)] = ("|x|", result, first)
        elif name == "neg":
            self._parts[id(result)] = ("-x", result, first)
        elif name == "add" and base is not None and _is_one(second):
            self._parts[id(result)] = ("1 + |x|", result, base)
        while len(self._parts) > _PARTS:
            self._parts.pop(next(iter(self._parts)))

    def _part(self, kind: str, tensor: Any) -> Tensor | None:
        """The ``x`` of which ``tensor`` is that part."""
        found = self._parts.get(id(tensor))
        return found[2] if found is not None and found[0] == kind else None

    def _is_tanh_of(self, tensor: Any, source: Tensor) -> bool:
        trail = self._observer.recorder.trails.of(tensor) if isinstance(tensor, Tensor) else None
        if trail is None or not trail.fresh:
            return False
        site = self._observer.recorder.sites[trail.sites[0]]
        found = site.function == "tanh" and site.given is not None and site.given() is source
        site.absorbed = site.absorbed or found
        return found

    @staticmethod
    def _alone(call: Call) -> Call:
        """The call with the activation's input as its only argument."""
        return Call(lambda *_: call.make(), call.args[:1], {})


def _is_one(value: Any) -> bool:
    return float(value) == 1.0 if isinstance(value, int | float) or _is_number(value) else False


def _is_number(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() == 0 and value.device.type == "cpu"
