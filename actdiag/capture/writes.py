"""Values that are written into a tensor made before, and values that leave torch and come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.matching import recognised
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
    for given in (*call.args[1:], *call.kwargs.values()):
        trail = observer.recorder.trails.of(given) if isinstance(given, Tensor) else None
        if trail is not None:
            found.append(_placed(trail, given, target, call))
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


def _placed(trail: Trail, given: Tensor, target: Tensor, call: Call) -> Trail:
    """The trail of ``given`` with the axes that it has in ``target``, which may have more."""
    if given.dim() == target.dim():
        return trail
    where = call.args[1] if len(call.args) > 1 else None
    last = where[-1] if isinstance(where, tuple) and where else where
    stays = trail.unit_axis == given.dim() - 1 and not isinstance(last, int | Tensor)
    return replace(trail, unit_axis=target.dim() - 1 if stays else None)


def leave(observer: Observer, operation: Operation, call: Call) -> Any:
    """``x.numpy()``: what is computed outside of torch is not seen, and told.

    Tensors without a trail that are met later in this pass are taken for what came of it.
    """
    trails = observer.trails(call)
    if trails:
        observer.note_unknown(operation)
        left = observer.recorder.left
        observer.recorder.left = merged([*([left] if left else []), *trails]).blurred()
    return call.make()
