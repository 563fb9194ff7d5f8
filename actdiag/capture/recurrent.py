"""Calls of recurrent layers and cells: their gates become sites of their own.

Gates are computed again for a spread of steps of every sample, from the layer's input, its weights
and the hidden state before the step. All calls of one module share the sites of its gates, so that
a cell called once per step is judged over the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.capture.layers import layer
from actdiag.capture.observer import Call
from actdiag.capture.unrolled import Unrolled
from actdiag.stats import gates

if TYPE_CHECKING:
    from actdiag.capture.observer import Observer
    from actdiag.capture.opened import OpenSite
    from actdiag.capture.operations import Operation

_ARGUMENTS = 9  # of every recurrent function of torch
_EVERY = 16


def recurrent(observer: Observer, operation: Operation, call: Call) -> Any:
    """``lstm``, ``gru``, ``rnn_tanh`` or ``rnn_relu``, of padded or of packed sequences."""
    if call.kwargs or len(call.args) != _ARGUMENTS:
        return layer(observer, operation, call)
    unrolled = Unrolled(call.function, call.args)
    result = layer(observer, operation, Call(unrolled.run, call.args, call.kwargs))
    site = observer.opened(result)
    if site is not None:
        for part in unrolled.parts():
            found = gates.OF[operation.name](part.x, part.hidden, part.weights)
            _measure(observer, site, found, part.suffix, by_sample=not unrolled.packed)
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
    _measure(observer, site, of(x, hidden, padded), "", by_sample=x.dim() > 1)
    return result


def _measure(
    observer: Observer,
    outer: OpenSite,
    found: tuple[gates.Gate, ...],
    suffix: str,
    *,
    by_sample: bool,
) -> None:
    for name, before, function in found:
        site = observer.recorder.part(outer, name + suffix, tensor=before, row=function)
        axis = before.dim() - 1
        sample_axis = observer.sample_axis(before, 0) if by_sample else None
        samples = observer.recorder.samples
        site.accumulator.update_input(
            before, unit_axis=axis, sample_axis=sample_axis, samples=samples
        )
        after = function.value(before, torch)
        site.accumulator.update(after, unit_axis=axis, sample_axis=sample_axis, samples=samples)
