"""Calls that were made before: what was found out about one is not found out again.

What a call means depends on what it is given and on where it is made. Both are remembered; a call
of a later pass that agrees in all of it is measured at the same site at once. One that differs in
anything is looked at as if it were new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.attention import is_looked_into
from actdiag.capture.given import Given, Held, agrees, given_of
from actdiag.capture.observer import Call
from actdiag.capture.operations import Kind
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from actdiag.capture.observer import Observer
    from actdiag.capture.opened import OpenSite
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail

_ACTIVATIONS = (Kind.ACTIVATION, Kind.CLAMP, Kind.SOFTMAX)
# These open one site at most and leave a trail; where they do more, the site tells it.
_SIMPLE = frozenset({*_ACTIVATIONS, Kind.LAYER, Kind.MATMUL, Kind.PRODUCT, Kind.MOVE})
_SIMPLE |= {Kind.RESHAPE, Kind.INDEX, Kind.PASS, Kind.OTHER}
# Modes beneath ours may change what a function gives; nothing public tells of them.
_others = torch._C._len_torch_function_stack  # noqa: SLF001
_ATTENTION = (Kind.ATTENTION, Kind.MULTI_HEAD)  # where it is not looked into
_SIMPLE |= {*_ATTENTION}
_TRIES = 8  # our choice: a call that differed so often in a row will go on to differ


@dataclass(slots=True)
class Found:
    """What was found out about a call.

    Attributes:
        given: what it depends on.
        counts: what the recorder counted on the way, and the numbers that it came to.
        site: the one that was opened, if any.
        source: place and trail of the site's input, where that is measured.
        shape: of what came out.
        returned: whether that was the first argument itself.
        after: its trail, if it has one.
        gate: that of a product, place and trail of what it gave.
        alone: its first argument, where that is the only one computed from the model's data, and
            the call is the first in its module that could open a site.
    """

    given: Given
    counts: tuple[tuple[Hashable, int], ...]
    site: OpenSite | None
    source: tuple[int, Trail] | None
    shape: torch.Size
    returned: bool
    after: Trail | None
    gate: tuple[OpenSite, int, Trail] | None
    alone: Held | None


class Calls:
    """The calls of one function in one module, by their number in a pass."""

    __slots__ = ("found", "met", "simple", "tries", "turn")

    def __init__(self, *, simple: bool) -> None:
        self.simple = simple
        self.found: list[Found | None] = []
        self.tries: list[int] = []
        self.met = self.turn = 0

    def coming(self, turn: int) -> Found | None:
        """What was found out about the call that comes next in the pass ``turn``."""
        if self.turn != turn:
            self.turn, self.met = turn, 0
        return self.found[self.met] if self.met < len(self.found) else None

    def next(self, turn: int) -> int:
        """The number of the call that is made now, in the pass ``turn``."""
        if self.turn != turn:
            self.turn, self.met = turn, 0
        self.met += 1
        if self.met > len(self.found):
            self.found.append(None)
            self.tries.append(0)
        return self.met - 1


class Repeats:
    """Makes calls under the eyes of ``observe``, or does again what that did before.

    Attributes:
        begun: how many calls were made.
        latest: those of the function and module of the last one, if it can be done again.
    """

    def __init__(
        self, observer: Observer, observe: Callable[[Observer, Operation, Call], Any]
    ) -> None:
        self._observer, self._observe = observer, observe
        self._recorder, self._stack = observer.recorder, observer.stack
        self._calls: dict[tuple[Any, str | None], Calls] = {}
        self.begun = 0
        self.latest: Calls | None = None

    def make(
        self,
        operation: Operation,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Make a call and measure what it gives."""
        self.begun += 1
        running = self._stack.running
        key = function, running[-1].place.module if running else None
        calls = self._calls.get(key)
        if calls is None:
            calls = self._calls[key] = Calls(simple=operation.kind in _SIMPLE)
        call = Call(function, args, kwargs)
        attends = operation.kind in _ATTENTION
        self.latest = calls if calls.simple and not attends else None
        looked_into = attends and is_looked_into(self._observer, operation, call)
        if looked_into or not calls.simple:
            return self._observe(self._observer, operation, call)
        number = calls.next(self._recorder.turn)
        values = (*args, *kwargs.values()) if kwargs else args
        found = calls.found[number]
        if (
            found is not None
            and self._recorder.counts.comes_next(found.counts)
            and agrees(found.given, self._observer, values, kwargs)
        ):
            calls.tries[number] = 0
            return self._again(found, operation, call, values)
        if calls.tries[number] >= _TRIES:
            return self._observe(self._observer, operation, call)
        calls.tries[number] += 1
        result, calls.found[number] = self._anew(operation, call, values)
        return result

    def _again(
        self, found: Found, operation: Operation, call: Call, values: tuple[Any, ...]
    ) -> Any:
        """Make the call and do what was done before."""
        recorder, counts, site = self._recorder, found.counts, found.site
        source, after, gate = found.source, found.after, found.gate
        if gate is not None:
            recorder.count_shut(gate[0], values[gate[1]], gate[2])
        if site is not None and source is not None:
            recorder.meet(site, counts)
            place, trail = source
            recorder.measure_input(site, values[place], trail)
            result = output = call.function(*call.args, **call.kwargs)
        else:
            result = call.function(*call.args, **call.kwargs)
            output = result if type(result) is Tensor else _only(result)
            same = bool(call.args) and output is call.args[0]
            if output is None or output.shape != found.shape or same is not found.returned:
                return self._observe(self._observer, operation, call.giving(result))
            recorder.meet(site, counts)
        if after is None:
            return result
        if site is None:
            recorder.trails.put(output, after)
        else:
            self._stack.opened += 1
            called = source is not None and not _others()
            recorder.measure(site, output, after, called=called)
        return result

    def _anew(
        self, operation: Operation, call: Call, values: tuple[Any, ...]
    ) -> tuple[Any, Found | None]:
        """Observe the call, and what was found out about it if that can be done again."""
        given = given_of(self._observer, call, values)
        if given is None:
            return self._observe(self._observer, operation, call), None
        begun, opened = self.begun, self._stack.opened
        counted: list[tuple[Hashable, int]] = []
        self._recorder.counts.noted, self._recorder.shut = counted, None
        try:
            result = self._observe(self._observer, operation, call)
        finally:
            self._recorder.counts.noted = None
        output = _only(result)
        if output is None or begun != self.begun or self._recorder.left is not None:
            return result, None
        after, site, source = self._recorder.trails.of(output), None, None
        if self._stack.opened > opened:
            site = self._only_site(operation, counted, after)
            if site is None:
                return result, None
        if site is not None and _measures_input(operation):
            source = given.first
            if source is None:
                return result, None
        returned, shape = bool(call.args) and output is call.args[0], output.shape
        gate = self._gate(values)
        alone = given.alone if after and not gate and not given.later else None
        counts = tuple(counted)
        found = Found(given, counts, site, source, shape, returned, after, gate, alone)
        return result, found

    def _gate(self, values: tuple[Any, ...]) -> tuple[OpenSite, int, Trail] | None:
        """The gate that the call was found to be the product of, with its place in the call."""
        if self._recorder.shut is None:
            return None
        site, given, trail = self._recorder.shut
        return site, [id(value) for value in values].index(given), trail

    def _only_site(
        self, operation: Operation, counted: list[tuple[Hashable, int]], after: Trail | None
    ) -> OpenSite | None:
        """The site that a call opened, if that and measuring it is all that the call did."""
        names = [key for key, _ in counted if isinstance(key, str)]
        if len(names) != 1 or after is None or not after.fresh:
            return None
        site = self._recorder.sites[after.sites[0]]
        activates = site.role in (Role.ACTIVATION, Role.GATE)
        if site.attention is not None and operation.kind not in _ATTENTION:
            return None
        return None if activates and operation.kind not in _ACTIVATIONS else site


def _only(result: Any) -> Tensor | None:
    """The tensor that a call gave, if it is one by itself or with nothing beside it."""
    if type(result) is tuple and result and all(other is None for other in result[1:]):
        result = result[0]
    return result if type(result) is Tensor else None


def _measures_input(operation: Operation) -> bool:
    row = operation.row
    return operation.kind is Kind.CLAMP or (row is not None and row.elementwise)
