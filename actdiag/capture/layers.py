"""Calls of layers: linear, convolution, norm, embedding, attention, recurrent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from actdiag.capture.containers import holds_reals, tensors_in
from actdiag.capture.movements import other
from actdiag.capture.operations import Kind, Operation, second_axis
from actdiag.capture.trail import Trail, fitted, merged
from actdiag.records import Role

if TYPE_CHECKING:
    from actdiag.capture.observer import Call, Observer

_WEIGHTED = ("matmul", "mm", "addmm")


def layer(observer: Observer, operation: Operation, call: Call) -> Any:
    """A layer's output; of several outputs the first is measured, the others only followed."""
    trails = observer.trails(call)
    tensor = call.first()
    if tensor is None or not (trails or operation.name == "embedding"):
        return call.make()
    if trails and holds_reals(tensor):
        _place_input_units(observer, operation, trails[0], tensor)
    result = call.make()
    output, *extra = tensors_in(result)
    before = merged(trails) if trails else Trail(())  # positions are looked up with a constant
    unit_axis = output.dim() + (operation.unit_axis or second_axis(output.dim()))
    site = observer.open(
        operation.name,
        role=operation.role or Role.BLOCK,
        tensor=output,
        trail=before,
        unit_axis=unit_axis,
    )
    if trails and site.verbatim:
        site.aligned = _is_aligned(observer, operation, trails[0], tensor)
    sample_axis = trails[0].sample_axis if trails else None  # a mask may have other axes
    observer.finish(site, output, unit_axis, sample_axis)
    for further in extra:
        axis = 1 if operation.kind is Kind.RECURRENT and further.dim() > 2 else 0  # noqa: PLR2004
        after = Trail((site.index,), straight=False, sample_axis=axis)
        observer.recorder.trails.put(further, fitted(after, further, observer.recorder.samples))
    return result


def _place_input_units(
    observer: Observer, operation: Operation, trail: Trail, tensor: Tensor
) -> None:
    """The first layer to read the model's input tells which axis its features lie on.

    A linear layer on a transposed input may mix positions, so that tells nothing.
    """
    origins = trail.origins or ()
    if trail.unit_axis is not None or len(origins) != tensor.dim() or tensor.dim() < 2:  # noqa: PLR2004
        return
    site = observer.recorder.sites[trail.sites[0]]
    axis = origins[operation.unit_axis or second_axis(tensor.dim())]
    if axis is None or site.shape[axis] != _width(operation, tensor):
        return
    if operation.unit_axis != -1 or axis == len(site.shape) - 1:
        site.unit_axis = axis


def _width(operation: Operation, tensor: Tensor) -> int:
    """How many features of ``tensor`` the layer reads."""
    return tensor.shape[operation.unit_axis or second_axis(tensor.dim())]


def _is_aligned(observer: Observer, operation: Operation, trail: Trail, tensor: Tensor) -> bool:
    """Whether the layer reads the units of the site before it as its own inputs, one by one."""
    counted = tensor.dim() + (operation.unit_axis or second_axis(tensor.dim()))
    source = observer.recorder.sites[trail.sites[0]]
    axis = source.unit_axis if source.role is Role.INPUT else trail.unit_axis
    return axis == counted and source.units == tensor.shape[counted]


def matmul(observer: Observer, operation: Operation, call: Call) -> Any:
    """``x @ W`` with a weight on the right is a linear layer; anything else mixes its sides."""
    sides = [side for side in call.args if isinstance(side, Tensor)][-2:]
    known = [observer.recorder.trails.of(side) is not None for side in sides]
    if known == [True, False] and operation.name in _WEIGHTED:
        linear = Operation(Kind.LAYER, operation.name, Role.LINEAR, unit_axis=-1)
        return layer(observer, linear, call)
    return other(observer, operation, call)
