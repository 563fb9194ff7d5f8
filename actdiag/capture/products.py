"""Products: a scaling, a gate at work, or an activation written out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag import functions
from actdiag.capture.movements import keeps_axes, other
from actdiag.capture.trail import Trail, merged
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.recorder import OpenSite


def product(observer: Observer, operation: Operation, call: Call) -> Any:
    """Two computed tensors, of which one is an activation's output, make a gated product."""
    sides = [side for side in call.args if isinstance(side, Tensor)]
    trails = [trail for side in sides if (trail := observer.recorder.trails.of(side)) is not None]
    if len(trails) < 2:  # noqa: PLR2004 - a computed tensor times a constant or a weight
        return keeps_axes(observer, operation, call)
    gates = [place for place in (0, 1) if _is_activated(observer, trails[place])]
    if not gates or sides[0] is sides[1]:
        return other(observer, operation, call)
    gate, opposite = observer.recorder.sites[trails[gates[0]].sites[0]], 1 - gates[0]
    if gate.function == "sigmoid" and gate.input_id == id(sides[opposite]):
        return _swish(observer, gate, sides[opposite], trails[opposite], call)
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
    """Whether the tensor is, unchanged, what an elementwise activation gave."""
    if not trail.fresh:
        return False
    return observer.recorder.sites[trail.sites[0]].role in (Role.ACTIVATION, Role.GATE)


def _swish(
    observer: Observer, sigmoid: OpenSite, source: Tensor, before: Trail, call: Call
) -> Tensor:
    """``x * sigmoid(x)``: one site for the whole, none for the sigmoid within it."""
    sigmoid.absorbed = True
    row = functions.get("silu")
    site = observer.open(
        row.name,
        role=Role.ACTIVATION,
        tensor=source,
        trail=before,
        unit_axis=before.unit_axis,
        row=row,
    )
    observer.recorder.measure_input(site, source, before.unit_axis)
    output: Tensor = call.make()
    observer.finish(site, output, before.unit_axis, before.sample_axis)
    return output
