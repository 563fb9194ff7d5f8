"""Activations written out: ``x * sigmoid(x)``, ``where(x > 0, x, 0)``, the tanh form of GELU.

They are known by their values, not by their spelling: where an operation ends a computation that
begins at one tensor, its result on a few values of that tensor is compared with every elementwise
function of the catalogue. That is done once per call site; later passes know what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from actdiag import functions
from actdiag.capture.squares import squared_relu
from actdiag.capture.trail import merged
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.recorder import Recorder
    from actdiag.capture.trail import Trail
    from actdiag.functions.row import ActivationFunction

_SQUARES = {"square", "pow"}
ENDS = frozenset({"mul", "where", "maximum", "max", "minimum", "masked_fill", "div", "true_divide"})
_VALUES = 256  # looked at, evenly spread
_INNER = (Role.ACTIVATION, Role.GATE, Role.BLOCK, Role.GATED_PRODUCT)
_DEPTH = 5  # our choice: x * tanh(softplus(x)) / 6 would take three


class Written(NamedTuple):
    """What a call site was found to be: the function, and which tensor it is applied to."""

    row: ActivationFunction
    source: str


def written_out(observer: Observer, operation: Operation, call: Call) -> tuple[Call, bool]:
    """Open the site of an activation that ends with this call, if one does.

    Returns the call, made already where it had to be to find out, and whether it was one.
    """
    if operation.name not in ENDS and operation.name not in _SQUARES:
        return call, False
    squared, result = squared_relu(observer, operation, call)
    if squared:
        return call.giving(result), True
    if operation.name in _SQUARES:
        return call, False
    sources = dict(_sources(observer, call))
    if not sources:
        return call, False
    key = observer.call_key(operation)
    if key in observer.written:
        found = observer.written[key]
        if found is None or found.source not in sources:
            return call, False
        source = sources[found.source]
        return _opened(observer, found.row, source, source, call), True
    copies = {name: tensor.clone() for name, tensor in sources.items()}
    made = call.giving(call.make())
    found = _recognised(copies, made.make())
    if found is not None and _is_there(observer, call, found.row):
        found = None
    observer.written[key] = found
    if found is None:
        return made, False
    return _opened(observer, found.row, copies[found.source], sources[found.source], made), True


def _computed(observer: Observer, call: Call) -> Iterator[tuple[Trail, Tensor]]:
    for side in (*call.args, *call.kwargs.values()):
        if isinstance(side, Tensor):
            trail = observer.recorder.trails.of(side)
            if trail is not None:
                yield trail, side


def _sources(observer: Observer, call: Call) -> Iterator[tuple[str, Tensor]]:
    """Tensors that the whole computation may have begun at."""
    computed = list(_computed(observer, call))
    if not computed:
        return
    recorder = observer.recorder
    sites = merged([trail for trail, _ in computed]).sites
    roots = {root for index in sites for root in _roots(recorder, index)}
    if len(roots) == 1 and (root := recorder.output_of(roots.pop())) is not None:
        yield "root", root
    for place, (trail, side) in enumerate(computed):
        others = [other.sites for other, _ in computed if other is not trail]
        follows = [recorder.sites[found[0]].inputs for found in others if found]
        if side.is_floating_point() and follows and all(f == trail.sites for f in follows):
            yield f"side {place}", side


def _roots(recorder: Recorder, index: int, depth: int = _DEPTH) -> tuple[int, ...]:
    """The sites that a site began at, through activations and unknown functions."""
    site = recorder.sites[index]
    if not depth or site.role not in _INNER or not site.inputs:
        return (index,)
    return tuple(root for given in site.inputs for root in _roots(recorder, given, depth - 1))


def _inner(recorder: Recorder, indices: tuple[int, ...], ends: tuple[int, ...]) -> Iterator[int]:
    """The sites between ``ends`` and what was computed from them."""
    for index in indices:
        if index not in ends and recorder.sites[index].role in _INNER:
            yield index
            yield from _inner(recorder, recorder.sites[index].inputs, ends)


def _is_there(observer: Observer, call: Call, row: ActivationFunction) -> bool:
    """Whether the very function was called already: what follows changed none of its values."""
    sites = merged([trail for trail, _ in _computed(observer, call)]).sites
    return any(observer.recorder.sites[index].function == row.name for index in sites)


def _recognised(sources: dict[str, Tensor], output: Any) -> Written | None:
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    best, least = None, 1.0
    for name, source in sources.items():
        if source.shape != output.shape:
            continue
        for row, error in _matches(source, output):
            if error < least:
                best, least = Written(row, name), error
    return best


def _matches(source: Tensor, output: Tensor) -> Iterator[tuple[ActivationFunction, float]]:
    """Rows whose values agree, with the largest error relative to what the dtype allows."""
    step = max(1, source.numel() // _VALUES)
    x, y = (side.reshape(-1)[::step].double() for side in (source, output))
    if not bool((x < 0).any() and (x > 0).any() and y.isfinite().all()):
        return
    allowed = 64 * torch.finfo(output.dtype).eps * (y.abs() + 0.1)
    for row in functions.ALL:
        if not row.elementwise or row.name in ("identity", "threshold"):
            continue
        error = float(((row.value(x, torch, **row.settings) - y).abs() / allowed).max())
        if error < 1:
            yield row, error


def _opened(
    observer: Observer, row: ActivationFunction, values: Tensor, source: Tensor, call: Call
) -> Call:
    """The call made, as one site; those of the activations and functions within it are none.

    ``values`` are those of ``source`` before the call, which may have overwritten them.
    """
    recorder = observer.recorder
    reached = merged([trail for trail, _ in _computed(observer, call)])
    before = recorder.trails.of(source) or reached
    for index in _inner(recorder, reached.sites, before.sites):
        site = recorder.sites[index]
        site.absorbed = True
        observer.not_captured.pop(f"{site.module}/{site.function}".lstrip("/"), None)
    site = observer.open(
        row.name,
        role=Role.ACTIVATION,
        tensor=values,
        trail=before,
        unit_axis=before.unit_axis,
        row=row,
    )
    recorder.measure_input(site, values, before)
    output = call.make()
    observer.finish(site, output, before.unit_axis, before.sample_axis)
    return call.giving(output)
