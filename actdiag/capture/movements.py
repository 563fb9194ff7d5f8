"""Calls that move, reshape or pass on values, and those that nothing is known of."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.capture.containers import holds_numbers, tensors_in
from actdiag.capture.handwritten import written_out
from actdiag.capture.operations import KNOWN_SHAPERS, moved_axis
from actdiag.capture.trail import fitted, merged, reshaped_axis
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail


_MASKS = -1e4  # our choice: the exponential of a number that small is 0 in every type


def move(observer: Observer, operation: Operation, call: Call) -> Any:
    """A permutation of axes: the unit and the sample axis move with it."""
    trails = observer.trails(call)
    output = call.make()
    if trails and isinstance(output, Tensor):
        to = partial(moved_axis, operation.name, call.args, call.kwargs)
        observer.recorder.trails.put(output, trails[0].carried(to, output.dim()))
    return output


def reshape(observer: Observer, _operation: Operation, call: Call) -> Any:
    """A view of another shape: an axis is kept where it can still be told."""
    tensor = call.first()
    shape = tuple(tensor.shape) if tensor is not None else ()
    trails = observer.trails(call)
    output = call.make()
    if trails and isinstance(output, Tensor):
        to = partial(reshaped_axis, shape, tuple(output.shape))
        observer.recorder.trails.put(output, trails[0].carried(to, output.dim()))
    return output


def index(observer: Observer, operation: Operation, call: Call) -> Any:
    """Indexing that only adds axes, ``x[:, :, None]``, is a view; any other picks values."""
    places = call.args[1] if len(call.args) > 1 else ()
    places = places if isinstance(places, tuple) else (places,)
    adds = all(place is None or place is ... or place == slice(None) for place in places)
    return (reshape if adds else other)(observer, operation, call)


def keeps_axes(observer: Observer, operation: Operation, call: Call) -> Any:
    """A linear operation that keeps every axis: a sum, a scaling, a copy, dropout in eval mode."""
    trails = observer.trails(call)
    call, written = written_out(observer, operation, call) if trails else (call, False)
    output = call.make()
    if not trails or written or not isinstance(output, Tensor):
        return output
    before = merged(trails)
    if len(trails) > 1 or operation.name in _CHANGES:
        joined = any(trail.sites != before.sites for trail in trails)
        after = replace(before.passed(), start=joined)
    else:
        after = before if output is call.args[0] else before.moved(*before.axes)
    observer.recorder.trails.put(output, fitted(after, output, observer.recorder.samples))
    return output


_CHANGES = {"add", "sub", "rsub", "subtract", "mul", "multiply", "rmul", "imul", "neg"}
_CHANGES |= {"div", "divide", "true_divide"}


def other(observer: Observer, operation: Operation, call: Call) -> Any:
    """Anything else: where it came from is remembered; what is not understood is told."""
    trails = observer.trails(call)
    if not trails:
        return call.make()
    call, written = written_out(observer, operation, call)
    if written:
        return call.make()
    result = call.make()
    before = merged(trails)
    unknown = _is_unknown(operation, before, call)
    if isinstance(result, Tensor) and holds_numbers(result) and unknown:
        return _unknown(observer, operation, result, before)
    after = before.blurred()
    for output in tensors_in(result, depth=2):
        observer.recorder.trails.put(output, fitted(after, output, observer.recorder.samples))
        if unknown and holds_numbers(output):
            observer.note_unknown(operation)
    return result


def _is_unknown(operation: Operation, before: Trail, call: Call) -> bool:
    if operation.name == "where" and (before.product or _rules_out(call)):
        return False
    return operation.name not in KNOWN_SHAPERS


def _rules_out(call: Call) -> bool:
    """Whether a ``where`` masks: it puts −inf, or the most negative number, beside the values."""
    return any(_highest(side) <= _MASKS for side in call.args[1:3])


def _highest(side: Any) -> float:
    if isinstance(side, Tensor):
        real = side.is_floating_point() and side.numel() and side.device.type != "meta"
        return float(side.detach().amax()) if real else 0.0
    return float(side) if isinstance(side, int | float) else 0.0


def _unknown(observer: Observer, operation: Operation, result: Tensor, before: Trail) -> Tensor:
    """A function in no catalogue is a site too, so that what it makes of the values is seen."""
    observer.note_unknown(operation)
    after = fitted(before, result, observer.recorder.samples)
    site = observer.open(
        operation.name, role=Role.BLOCK, tensor=result, trail=before, unit_axis=after.unit_axis
    )
    observer.finish(site, result, after.unit_axis, after.sample_axis)
    return result
