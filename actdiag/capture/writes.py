"""Values that are written into a tensor made before, and values that leave torch and come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.capture.trail import fitted, merged

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail


def write(observer: Observer, _operation: Operation, call: Call) -> Any:
    """``out[:, 2:] = x`` or ``out.copy_(x)``: from now on ``out`` was computed from ``x`` too."""
    target = call.args[0] if call.args else None
    if not isinstance(target, Tensor):
        return call.make()
    known = observer.recorder.trails.of(target)
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
