"""Calls that move, reshape or pass on values, and those that nothing is known of."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.capture.axes import axes_after
from actdiag.capture.containers import holds_numbers, tensors_in
from actdiag.capture.handwritten import written_out
from actdiag.capture.operations import KNOWN_SHAPERS, moved_axis
from actdiag.capture.origins import origins_of, place_of
from actdiag.capture.trail import merged, reshaped_axis, split_axis
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.origins import Side
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


def reshape(observer: Observer, operation: Operation, call: Call) -> Any:
    """A view of another shape: an axis is kept where it can still be told."""
    if operation.name in ("squeeze", "unsqueeze"):
        return _pad(observer, operation, call)
    tensor = call.first()
    before = next((trail for side, trail in observer.sides(call) if side is tensor), None)
    shape = tuple(tensor.shape) if tensor is not None else ()
    output = call.make()
    if before is not None and isinstance(output, Tensor):
        after = tuple(output.shape)
        carried = before.carried(partial(reshaped_axis, shape, after), output.dim())
        if before.sample_axis is not None and carried.sample_axis is None:
            axis = split_axis(shape, after, before.sample_axis, observer.recorder.samples)
            carried = replace(carried, sample_axis=axis)
        observer.recorder.trails.put(output, carried)
    return output


def _pad(observer: Observer, operation: Operation, call: Call) -> Any:
    """Axes of one entry are added or taken away: the others are what they were."""
    sides = observer.sides(call)
    output = call.make()
    if sides and isinstance(output, Tensor):
        origins = origins_of(operation.name, call, sides[0], output)
        to = partial(place_of, origins=origins)
        observer.recorder.trails.put(output, sides[0].trail.carried(to, output.dim()))
    return output


def index(observer: Observer, operation: Operation, call: Call) -> Any:
    """Indexing that only adds axes, ``x[:, :, None]``, is a view; any other picks values."""
    places = call.args[1] if len(call.args) > 1 else ()
    places = places if isinstance(places, tuple) else (places,)
    adds = all(place is None or place is ... or place == slice(None) for place in places)
    return (_pad if adds else other)(observer, operation, call)


def keeps_axes(observer: Observer, operation: Operation, call: Call) -> Any:
    """A linear operation that keeps every axis: a sum, a scaling, a copy, dropout in eval mode."""
    sides = observer.sides(call)
    call, written = written_out(observer, operation, call) if sides else (call, False)
    output = call.make()
    if not sides or written or not isinstance(output, Tensor):
        return output
    before = merged([side.trail for side in sides])
    if len(sides) > 1 or operation.name in _CHANGES:
        joined = any(side.trail.sites != before.sites for side in sides)
        after = replace(before.passed(), start=joined)
    else:
        after = before if output is call.args[0] else before.moved(*before.axes)
    _put(observer, operation, call, sides, output, after)
    return output


_CHANGES = {"add", "sub", "rsub", "subtract", "mul", "multiply", "rmul", "imul", "neg", "imag"}
_CHANGES |= {"div", "divide", "true_divide"}


def other(observer: Observer, operation: Operation, call: Call) -> Any:
    """Anything else: where it came from is remembered; what is not understood is told."""
    sides = observer.sides(call)
    if not sides:
        return call.make()
    call, written = written_out(observer, operation, call)
    if written:
        return call.make()
    result = call.make()
    before = merged([side.trail for side in sides])
    unknown = _is_unknown(operation, before, call)
    if isinstance(result, Tensor) and holds_numbers(result) and unknown:
        axes = axes_after(operation.name, call, sides, result, observer.recorder.samples)
        return _unknown(observer, operation, result, before, axes)
    after = before.blurred()
    for output in tensors_in(result, depth=2):
        _put(observer, operation, call, sides, output, after)
        if unknown and holds_numbers(output):
            observer.note_unknown(operation)
    return result


def _put(
    observer: Observer,
    operation: Operation,
    call: Call,
    sides: Sequence[Side],
    output: Tensor,
    after: Trail,
) -> None:
    """Remember where a tensor came from, with the axes that it has."""
    unit, sample = axes_after(operation.name, call, sides, output, observer.recorder.samples)
    observer.recorder.trails.put(output, replace(after, unit_axis=unit, sample_axis=sample))


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


def _unknown(
    observer: Observer,
    operation: Operation,
    result: Tensor,
    before: Trail,
    axes: tuple[int | None, int | None],
) -> Tensor:
    """A function in no catalogue is a site too, so that what it makes of the values is seen."""
    observer.note_unknown(operation)
    unit, sample = axes
    site = observer.open(
        operation.name, role=Role.BLOCK, tensor=result, trail=before, unit_axis=unit
    )
    observer.finish(site, result, unit, sample)
    return result
