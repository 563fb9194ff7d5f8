"""Values that are written into a tensor made before, and values that leave torch and come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.matching import recognised
from actdiag.capture.movements import keeps_axes
from actdiag.capture.picked import picked
from actdiag.capture.trail import fitted, merged

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail


def write(observer: Observer, operation: Operation, call: Call) -> Any:
    """``out[:, 2:] = x`` or ``out.copy_(x)``: from now on ``out`` was computed from ``x`` too."""
    target = call.args[0] if call.args else None
    if not isinstance(target, Tensor):
        return call.make()
    known = observer.recorder.trails.of(target)
    if known is not None and _is_masked(observer, call, known):
        return _masked(observer, operation, call, target, known)
    found = [known] if known is not None else []
    observer.trails(call)
    places = _places(operation, call)
    for given in (*call.args[1:], *call.kwargs.values()):
        trail = observer.recorder.trails.of(given) if isinstance(given, Tensor) else None
        if trail is not None:
            found.append(_placed(trail, given, target, places))
    result = call.make()
    if found:
        written = result if isinstance(result, Tensor) else target
        after = merged(found).blurred()
        after = fitted(after, written, observer.recorder.samples)
        observer.recorder.trails.put(written, after)
    return result


def _is_masked(observer: Observer, call: Call, known: Trail) -> bool:
    """Whether a number goes where a mask of the tensor's own says: ``h[h < 0] = 0``.

    A mask that came of something else, such as padding, says nothing of the values.
    """
    target, where, value = (*call.args, None, None)[:3]
    if not (isinstance(where, Tensor) and where.dtype == torch.bool):
        return False
    trail = observer.recorder.trails.of(where)
    own = trail is not None and trail.sites == known.sites and where.shape == target.shape
    return own and target.is_floating_point() and isinstance(value, int | float)


def _masked(
    observer: Observer, operation: Operation, call: Call, target: Tensor, before: Trail
) -> Any:
    """An activation in place, where the values are those of one; else a change that is told."""
    recorder, key = observer.recorder, observer.call_key(operation)
    values = target.clone()
    result = call.make()
    if key not in observer.written:
        observer.written[key] = recognised({"target": values}, target)
    found = observer.written[key]
    if found is None:
        observer.note_unknown(operation)
        recorder.trails.put(target, before.blurred())
        return result
    site = observer.open_written(found, values, before)
    observer.finish(site, target, before.unit_axis, before.sample_axis)
    return result


def _placed(trail: Trail, given: Tensor, target: Tensor, places: tuple[Any, ...]) -> Trail:
    """The trail of ``given`` with the axes that it has in ``target``, written to its ``places``."""

    def lies(axis: int | None, ordered: int | None = None) -> int | None:
        found = picked(places, target.shape, ordered)
        if axis is None or found is None or len(found) < given.dim():
            return None
        return found[axis + len(found) - given.dim()]  # as shapes are broadcast

    sample = lies(trail.sample_axis, ordered=lies(trail.sample_axis))
    if sample is not None and target.shape[sample] != given.shape[trail.sample_axis or 0]:
        sample = None  # other rows hold other samples, or none
    return replace(trail, unit_axis=lies(trail.unit_axis), sample_axis=sample)


def _places(operation: Operation, call: Call) -> tuple[Any, ...]:
    """Where a call writes, as an index; an ellipsis is all of the tensor."""
    where = call.args[1] if len(call.args) > 1 else ...
    if operation.name == "index_copy" and isinstance(where, int):
        return (*[slice(None)] * (where % call.args[0].dim()), call.args[2])
    if operation.name not in ("setitem", "index_put"):
        return (... if operation.name == "copy" else "anywhere",)
    if isinstance(where, Tensor) and where.is_floating_point():
        return (...,)  # an operator that is given the values first
    if isinstance(where, list):  # of aten::index_put, where None is a whole axis
        return tuple(slice(None) if place is None else place for place in where)
    return where if isinstance(where, tuple) else (where,)


def leave(observer: Observer, operation: Operation, call: Call) -> Any:
    """``x.numpy()``: what is computed outside of torch is not seen, and told.

    Tensors without a trail that are met later in this pass are taken for what came of it.
    """
    trails = observer.trails(call)
    observer.recorder.unforesee(trails)
    if trails:
        observer.note_unknown(operation)
        left = observer.recorder.left
        observer.recorder.left = merged([*([left] if left else []), *trails]).blurred()
    return call.make()


def expose(observer: Observer, operation: Operation, call: Call) -> Any:
    """``x.data``, read or set: who writes to the values so leaves the tensor's version as it is."""
    observer.recorder.unforesee(observer.trails(call))
    return keeps_axes(observer, operation, call)
