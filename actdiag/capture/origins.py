"""Which axes of an argument the axes of a call's result are: by what the call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from actdiag.capture.picked import picked

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.capture.observer import Call
    from actdiag.capture.trail import Trail

Origins = list[int | None]
"""For each axis of a result the axis of an argument that it is, or None where it is another."""

_REDUCTIONS = {"mean", "sum", "amax", "amin", "max", "min", "var", "std", "argmax", "argmin"}
_REDUCTIONS |= {"any", "all", "prod", "logsumexp", "median", "nanmean", "nansum"}
_NORMS = {"norm", "linalg_norm", "linalg_vector_norm"}  # the order stands before the axis
PRODUCTS = {"matmul", "bmm", "mm", "rmatmul", "addmm", "baddbmm"}
_ADD_LAST = {"view_as_real", "unfold"}


class Side(NamedTuple):
    """An argument that was computed from the model's data."""

    tensor: Tensor
    trail: Trail


def place_of(axis: int | None, origins: Origins) -> int | None:
    """Where ``axis`` of the argument lies in the result."""
    return origins.index(axis) if axis is not None and axis in origins else None


def origins_of(name: str, call: Call, side: Side, output: Tensor) -> Origins:
    """Which axes of the argument those of the result are."""
    rule = _RULES.get(name)
    found = _by_size(name, call, side, output) if rule is None else rule(call, side, output)
    return found if found is not None and len(found) == output.dim() else [None] * output.dim()


def _by_size(name: str, call: Call, side: Side, output: Tensor) -> Origins:
    before, after = side.tensor.dim(), output.dim()
    if before > after and name in _REDUCTIONS | _NORMS:
        gone = named_axes(call, side.tensor, 2 if name in _NORMS else 1)
        return [axis for axis in range(before) if axis not in gone]
    if before > after:  # what else takes axes away seldom takes the first
        return [0, *[None] * (after - 1)]
    if name in _ADD_LAST:
        return [*range(before), *[None] * (after - before)]
    return broadcast(side.tensor, output)


def broadcast(tensor: Tensor, output: Tensor) -> Origins:
    """As shapes are broadcast: the last axes stay the last."""
    return [*[None] * (output.dim() - tensor.dim()), *range(tensor.dim())]


def given(call: Call, place: int, *names: str) -> Any:
    """An argument by its place, counted from 0, or one of its names."""
    for name in names:
        if name in call.kwargs:
            return call.kwargs[name]
    by_name = any(name in call.kwargs for name in ("input", "tensors", "self"))
    place -= by_name  # the first was given by name
    return call.args[place] if place < len(call.args) else None


def named_axes(call: Call, tensor: Tensor, place: int) -> set[int]:
    """The axes that a call names, all of them if it names none."""
    named = given(call, place, "dim", "axis", "dims")
    several = named if isinstance(named, tuple | list) else (named,)
    if not several or not all(type(one) is int for one in several):
        return set(range(tensor.dim()))
    return {one % max(tensor.dim(), 1) for one in several}


def _one_gone(call: Call, side: Side, _output: Tensor) -> Origins:
    gone = (given(call, 1, "dim") or 0) % side.tensor.dim()
    return [axis for axis in range(side.tensor.dim()) if axis != gone]


def _one_added(call: Call, side: Side, output: Tensor) -> Origins:
    found: Origins = [*range(side.tensor.dim())]
    found.insert((given(call, 1, "dim") or 0) % output.dim(), None)
    return found


def _squeezed(call: Call, side: Side, _output: Tensor) -> Origins:
    named = named_axes(call, side.tensor, 1)
    return [axis for axis, size in enumerate(side.tensor.shape) if size != 1 or axis not in named]


def _interleaved(call: Call, side: Side, _output: Tensor) -> Origins | None:
    kept = given(call, 2, "dim") is not None  # else all axes are made one
    return [*range(side.tensor.dim())] if kept else None


def _indexed(call: Call, side: Side, _output: Tensor) -> Origins | None:
    if side.tensor is not call.args[0]:
        return None
    places = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    return picked(places, side.tensor.shape, side.trail.sample_axis)


def _indexed_by_operator(call: Call, side: Side, _output: Tensor) -> Origins | None:
    """``aten::index`` takes a list, in which a None stands for a whole axis."""
    if side.tensor is not call.args[0]:
        return None
    places = tuple(slice(None) if place is None else place for place in call.args[1])
    return picked(places, side.tensor.shape, side.trail.sample_axis)


def _multiplied(call: Call, side: Side, output: Tensor) -> Origins | None:
    """The last axis of the left side and the next to last of the right one are summed over."""
    factors = [side for side in (*call.args, *call.kwargs.values()) if isinstance(side, Tensor)]
    if any(factor.dim() < 2 for factor in factors):  # noqa: PLR2004 - a vector, not a matrix
        return None
    left, right = factors[-2:] if call.function.__name__ != "__rmatmul__" else factors[:-3:-1]
    found = broadcast(side.tensor, output)
    if side.tensor is left:
        found[-1] = None
    if side.tensor is right:
        found[-2] = None
    return found


def _summed(call: Call, side: Side, _output: Tensor) -> Origins | None:
    """``einsum``: letters say which axis is which."""
    equation, *operands = call.args
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return None
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = [*operands[0]]
    read, _, made = equation.replace(" ", "").partition("->")
    letters = next(
        letters
        for letters, operand in zip(read.split(","), operands, strict=True)
        if operand is side.tensor
    )
    return [letters.index(letter) if letter in letters else None for letter in made]


_RULES: dict[str, Callable[[Call, Side, Tensor], Origins | None]] = {
    **dict.fromkeys(("unbind", "select"), _one_gone),
    **dict.fromkeys(("stack", "unsqueeze"), _one_added),
    "squeeze": _squeezed,
    "repeat_interleave": _interleaved,
    "getitem": _indexed,
    "index": _indexed_by_operator,
    "einsum": _summed,
    **dict.fromkeys(PRODUCTS, _multiplied),
}
