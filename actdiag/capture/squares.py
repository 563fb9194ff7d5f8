"""A ReLU that is squared at once: one activation, however the square is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag import functions
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.opened import OpenSite
    from actdiag.capture.operations import Operation


def squared_relu(observer: Observer, operation: Operation, call: Call) -> tuple[bool, Any]:
    """Whether the call squares what a ReLU gave, and what it gave then.

    The ReLU's input may be gone by now. Its negative part tells nothing more than its range, which
    the ReLU has measured, so the ReLU's output stands for it.
    """
    relu = _squares(observer, operation, call)
    if relu is None:
        return False, None
    tensor = call.args[0]
    before = observer.recorder.trails.of(tensor)
    assert before is not None  # noqa: S101 - that is how the ReLU was found
    relu.absorbed = True
    row = functions.get("relu_squared")
    site = observer.open(
        row.name,
        role=Role.ACTIVATION,
        tensor=tensor,
        trail=before,
        unit_axis=before.unit_axis,
        row=row,
    )
    site.input_range = relu.index
    observer.recorder.measure_input(site, tensor, before)
    output = call.make()
    observer.finish(site, output, before.unit_axis, before.sample_axis)
    return True, output


def _squares(observer: Observer, operation: Operation, call: Call) -> OpenSite | None:
    """The site of the ReLU whose output this call squares."""
    first, *others = call.args or (None,)
    exponent = others[0] if others else call.kwargs.get("exponent")
    squares = {
        "square": True,
        "pow": not isinstance(exponent, Tensor) and exponent == 2,  # noqa: PLR2004
        "mul": exponent is first,
    }
    if not isinstance(first, Tensor) or not squares.get(operation.name):
        return None
    trail = observer.recorder.trails.of(first)
    if trail is None or not trail.straight or trail.changed or len(trail.sites) != 1:
        return None
    site = observer.recorder.sites[trail.sites[0]]
    return site if site.function == "relu" and site.role is Role.ACTIVATION else None
