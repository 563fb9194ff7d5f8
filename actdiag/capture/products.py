"""Products: a scaling, a gate at work, or the end of an activation written out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.capture.axes import axes_after
from actdiag.capture.handwritten import written_out
from actdiag.capture.movements import keeps_axes, other
from actdiag.capture.origins import Side
from actdiag.capture.trail import merged
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail


_SHARES = ("sigmoid", "hardsigmoid")  # between 0 and 1: of two activations, these are the gate


def product(observer: Observer, operation: Operation, call: Call) -> Any:
    """Two computed tensors make a gated product: one is activated, or both come from layers."""
    sides = [side for side in call.args if isinstance(side, Tensor)]
    computed = [Side(side, trail) for side in sides if (trail := observer.recorder.trails.of(side))]
    trails = [side.trail for side in computed]
    if len(trails) < 2:  # noqa: PLR2004 - a computed tensor times a constant or a weight
        return keeps_axes(observer, operation, call)
    call, written = written_out(observer, operation, call)
    if written:
        return call.make()
    gates = [
        (observer.recorder.sites[trail.sites[0]], side, trail)
        for side, trail in zip(sides, trails, strict=False)
        if _is_activated(observer, trail)
    ]
    if sides[0] is sides[1] or not (gates or _are_branches(observer, sides, trails)):
        return other(observer, operation, call)
    if gates:
        gate, side, trail = next((of for of in gates if of[0].function in _SHARES), gates[0])
        gate.role = Role.GATE
        observer.recorder.count_shut(gate, side, trail)
    before = merged(trails)
    output = call.make()
    unit, sample = axes_after(operation.name, call, computed, output, observer.recorder.samples)
    site = observer.open(
        operation.name,
        role=Role.GATED_PRODUCT,
        tensor=output,
        trail=before,
        unit_axis=unit,
    )
    observer.finish(site, output, unit, sample)
    return output


def _are_branches(observer: Observer, sides: list[Tensor], trails: list[Trail]) -> bool:
    """Whether the sides are what two layers gave, or the halves of what one layer gave."""
    if sides[0].shape != sides[1].shape or any(len(trail.sites) != 1 for trail in trails[:2]):
        return False
    first, second = (observer.recorder.sites[trail.sites[0]] for trail in trails[:2])
    if not {first.role, second.role} <= {Role.LINEAR, Role.CONV}:
        return False
    if first is not second:
        return all(trail.straight and not trail.changed for trail in trails[:2])
    axis = trails[0].unit_axis
    return axis is not None and first.units == 2 * sides[0].shape[axis]


def _is_activated(observer: Observer, trail: Trail) -> bool:
    """Whether the tensor is what an elementwise activation gave, moved or reshaped at most."""
    if not trail.straight or trail.changed:
        return False
    return observer.recorder.sites[trail.sites[0]].role in (Role.ACTIVATION, Role.GATE)
