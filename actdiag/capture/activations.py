"""Calls of activation functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.capture.containers import holds_reals
from actdiag.capture.glu import gated_linear
from actdiag.capture.movements import other
from actdiag.capture.operations import clamp_row, settings_of
from actdiag.records import Role

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.trail import Trail
    from actdiag.functions.row import ActivationFunction


_KEEP_SHAPE = ("softmax", "log_softmax", "softmin", "softmax2d")


def activation(observer: Observer, operation: Operation, call: Call) -> Any:
    """An activation of the catalogue: its input and its output are measured."""
    assert operation.row is not None  # noqa: S101 - classify() gives every activation its row
    if operation.row.name == "glu":
        return gated_linear(observer, call)
    return activate(observer, operation.row, call)


def clamp(observer: Observer, operation: Operation, call: Call) -> Any:
    """``clamp(min=0)`` is a ReLU; other limits are none of the catalogue's."""
    row = clamp_row(call.args, call.kwargs)
    return other(observer, operation, call) if row is None else activate(observer, row, call)


def activate(observer: Observer, row: ActivationFunction, call: Call) -> Any:
    """Measure the input before an in-place function overwrites it, then the output."""
    trails = observer.trails(call)
    tensor = call.first()
    if tensor is None or not trails or not holds_reals(tensor):
        return call.make()
    before = trails[0]
    settings = settings_of(row, call.args, call.kwargs)
    meant = functions.variant(row, {**call.kwargs, **settings})
    if meant is not row:
        row, settings = meant, dict(meant.settings)
    site = observer.open(
        row.name,
        role=_role(row, before, tensor),
        tensor=tensor,
        trail=before,
        unit_axis=before.unit_axis if row.elementwise or row.name in _KEEP_SHAPE else None,
        row=row,
        settings=settings,
    )
    if row.elementwise:
        observer.recorder.measure_input(site, tensor, before)
    output = call.make()
    observer.finish(site, output, site.unit_axis, before.sample_axis)
    return output


def _role(row: ActivationFunction, trail: Trail, tensor: Tensor) -> Role:
    if row.elementwise:
        return Role.ACTIVATION
    scores = len(trail.sites) > 1 and tensor.dim() > 2  # noqa: PLR2004 - queries by keys
    return Role.ATTENTION if scores else Role.ACTIVATION
