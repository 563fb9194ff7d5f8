"""Products: a scaling, a gate at work, or the end of an activation written out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.capture.handwritten import written_out
from actdiag.capture.movements import keeps_axes, other
from actdiag.capture.trail import merged
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail


def product(observer: Observer, operation: Operation, call: Call) -> Any:
    """Two computed tensors, of which one is an activation's output, make a gated product."""
    sides = [side for side in call.args if isinstance(side, Tensor)]
    trails = [trail for side in sides if (trail := observer.recorder.trails.of(side)) is not None]
    if len(trails) < 2:  # noqa: PLR2004 - a computed tensor times a constant or a weight
        return keeps_axes(observer, operation, call)
    call, written = written_out(observer, operation, call)
    if written:
        return call.make()
    gates = [place for place in (0, 1) if _is_activated(observer, trails[place])]
    if not gates or sides[0] is sides[1]:
        return other(observer, operation, call)
    gate = observer.recorder.sites[trails[gates[0]].sites[0]]
    gate.role = Role.GATE
    before = merged(trails)
    output = call.make()
    site = observer.open(
        operation.name,
        role=Role.GATED_PRODUCT,
        tensor=output,
        trail=before,
        unit_axis=before.unit_axis,
    )
    observer.finish(site, output, before.unit_axis, before.sample_axis)
    return output


def _is_activated(observer: Observer, trail: Trail) -> bool:
    """Whether the tensor is what an elementwise activation gave, moved or reshaped at most."""
    if not trail.straight or trail.changed:
        return False
    return observer.recorder.sites[trail.sites[0]].role in (Role.ACTIVATION, Role.GATE)
