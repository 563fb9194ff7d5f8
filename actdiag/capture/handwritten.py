"""Activations written out: ``x * sigmoid(x)``, ``where(x > 0, x, 0)``, the tanh form of GELU.

They are known by their values, not by their spelling: where an operation ends a computation that
begins at one tensor, its result on a few values of that tensor is compared with the catalogue. That
is done once per call site; later passes know what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from actdiag.capture.matching import recognised
from actdiag.capture.squares import squared_relu
from actdiag.capture.trail import merged
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.capture.matching import Written
    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.operations import Operation
    from actdiag.capture.recorder import Recorder
    from actdiag.capture.trail import Trail
    from actdiag.functions.row import ActivationFunction

_SQUARES = {"square", "pow"}
ENDS = frozenset(
    {"mul", "where", "maximum", "max", "minimum", "masked_fill"}
    | {"div", "true_divide", "rdiv", "reciprocal"}
)
_INNER = (Role.ACTIVATION, Role.GATE, Role.BLOCK, Role.GATED_PRODUCT)
_STARTS = 3  # our choice: an activation written out follows the sum or view closely
_DEPTH = 5  # our choice: x * tanh(softplus(x)) / 6 would take three


class Source(NamedTuple):
    """A tensor that a computation may have begun at, ``factor`` times what it holds."""

    tensor: Tensor
    factor: float = 1.0

    def values(self) -> Tensor:
        """As they are now, in a tensor of their own."""
        return self.tensor.clone() if self.factor == 1 else self.tensor * self.factor


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
        values = source.tensor if source.factor == 1 else source.values()
        return _opened(observer, found, values, source.tensor, call), True
    copies = {name: source.values() for name, source in sources.items()}
    made = call.giving(call.make())
    found = recognised(copies, made.make())
    if found is not None and _is_there(observer, call, found.row):
        found = None
    observer.written[key] = found
    if found is None:
        return made, False
    source = sources[found.source]
    return _opened(observer, found, copies[found.source], source.tensor, made), True


def _computed(observer: Observer, call: Call) -> Iterator[tuple[Trail, Tensor]]:
    for side in (*call.args, *call.kwargs.values()):
        if isinstance(side, Tensor):
            trail = observer.recorder.trails.of(side)
            if trail is not None:
                yield trail, side


def _sources(observer: Observer, call: Call) -> Iterator[tuple[str, Source]]:
    """Tensors that the whole computation may have begun at.

    ``0.5 * x * (1 + tanh(...))`` multiplies half of its ``x``, so that each side may be a half.
    """
    computed = list(_computed(observer, call))
    if not computed:
        return
    recorder = observer.recorder
    sites = merged([trail for trail, _ in computed]).sites
    roots = {root for index in sites for root in _roots(recorder, index)}
    if len(roots) == 1 and (root := recorder.output_of(roots.pop())) is not None:
        yield "root", Source(root)
    starts = recorder.trails.starts
    for reached in reversed([*starts][-_STARTS:]):
        if (tensor := starts[reached]()) is not None:
            yield f"from {reached}", Source(tensor)
    for place, (_, side) in enumerate(computed):
        if side.is_floating_point():
            yield f"side {place}", Source(side)
            yield f"half {place}", Source(side, 2.0)


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


def _opened(observer: Observer, found: Written, values: Tensor, source: Tensor, call: Call) -> Call:
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
    site = observer.open_written(found, values, before)
    output = call.make()
    observer.finish(site, output, before.unit_axis, before.sample_axis)
    return call.giving(output)
