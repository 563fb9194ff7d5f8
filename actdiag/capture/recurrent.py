"""Calls of recurrent layers and cells: their gates become sites of their own.

Gates are computed again for a spread of steps of all early samples and ever fewer later ones, from
the layer's input, its weights and the hidden state before the step. All calls of one module share
the sites of its gates, so that a cell called once per step is judged over the steps. Each value
counts once, those of the early samples too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from actdiag.capture.layers import layer
from actdiag.capture.observer import Call
from actdiag.capture.unrolled import Unrolled
from actdiag.stats import gates
from actdiag.stats.stretches import Looks, stretches

if TYPE_CHECKING:
    from actdiag.capture.observer import Observer
    from actdiag.capture.opened import OpenSite
    from actdiag.capture.operations import Operation

_ARGUMENTS = 9  # of every recurrent function of torch
_EVERY = 16
# Our choice: of a thousand samples 150. Two steps of each of the first are the hundred of ACT116; a
# look takes 10 % of the time of an LSTM of width 256, but few batches have one.
LOOKS = Looks(every=64, budget=32, block=32)


def recurrent(observer: Observer, operation: Operation, call: Call) -> Any:
    """``lstm``, ``gru``, ``rnn_tanh`` or ``rnn_relu``, of padded or of packed sequences."""
    if call.kwargs or len(call.args) != _ARGUMENTS:
        return layer(observer, operation, call)
    unrolled = Unrolled(call.function, call.args)
    chosen = [_ALL] if unrolled.packed else _chosen(observer, unrolled.sequences)
    if not chosen:
        return layer(observer, operation, call)
    result = layer(observer, operation, Call(unrolled.run, call.args, call.kwargs))
    site = observer.opened(result)
    if site is not None:
        with torch.no_grad():
            for some in chosen:
                for part in unrolled.parts(some.rows):
                    found = gates.OF[operation.name](part.x, part.hidden, part.weights)
                    _measure(observer, site, found, part.suffix, some)
    return result


def cell(observer: Observer, operation: Operation, call: Call) -> Any:
    """One step: measured at calls 1, 2, 4, 8 and every sixteenth of a forward pass."""
    result = layer(observer, operation, call)
    site = observer.opened(result)
    few = site is not None and site.call < _EVERY and site.call & (site.call - 1) == 0
    if site is None or call.kwargs or not (few or site.call % _EVERY == 0):
        return result
    x, state, *weights = call.args
    hidden = state if isinstance(state, Tensor) else state[0]
    of = gates.OF[operation.name.removesuffix("_cell")]
    padded = [*weights, None, None][:4]
    with torch.no_grad():
        for some in [_ALL] if x.dim() == 1 else _chosen(observer, len(x)):
            _measure(observer, site, of(x[some.rows], hidden[some.rows], padded), "", some)
    return result


class _Some(NamedTuple):
    """Sequences that are looked at.

    Attributes:
        rows: which.
        samples: of how many samples they are; null where that is not known.
        first: number of the first of these in the whole data.
    """

    rows: slice
    samples: int | None = None
    first: int | None = None


_ALL = _Some(slice(None))


def _chosen(observer: Observer, sequences: int) -> list[_Some]:
    """Those looked at of a call, one or more of each sample; all if they are not of samples."""
    first, samples = observer.recorder.first, observer.recorder.samples
    if not samples or sequences % samples:
        return [_ALL]
    of_one = sequences // samples
    return [
        _Some(slice(start * of_one, stop * of_one), stop - start, first + start)
        for start, stop, weight in stretches(first, samples, LOOKS)
        if weight
    ]


def _measure(
    observer: Observer, outer: OpenSite, found: tuple[gates.Gate, ...], suffix: str, some: _Some
) -> None:
    axes: dict[str, Any] = {
        "sample_axis": None if some.samples is None else 0,
        "samples": some.samples or observer.recorder.samples,
        "numbers": some.first,
    }
    for name, before, function in found:
        site = observer.recorder.part(outer, name + suffix, tensor=before, row=function)
        axis = before.dim() - 1
        site.accumulator.update_input(before, unit_axis=axis, **axes)
        after = function.value(before, torch)
        site.accumulator.update(after, unit_axis=axis, **axes)
