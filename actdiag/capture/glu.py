"""``F.glu``: one call that holds a gate, which becomes a site of its own beside the product."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from actdiag import functions
from actdiag.capture.containers import holds_reals
from actdiag.capture.trail import Trail, merged
from actdiag.records import Role

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.opened import OpenSite


def gated_linear(observer: Observer, call: Call) -> Any:
    """The first half of the input times the sigmoid of the second half."""
    trails = observer.trails(call)
    tensor = call.first()
    if tensor is None or not trails or not holds_reals(tensor):
        return call.make()
    before = trails[0]
    dim = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else -1)
    gate = _gate(observer, tensor.chunk(2, dim)[-1], before)
    output = call.make()
    site = observer.open(
        "glu",
        role=Role.GATED_PRODUCT,
        tensor=output,
        trail=merged([before, Trail((gate.index,))]),
        unit_axis=before.unit_axis,
        row=functions.get("glu"),
    )
    observer.finish(site, output, before.unit_axis, before.sample_axis)
    return output


def _gate(observer: Observer, half: Tensor, before: Trail) -> OpenSite:
    """The sigmoid that is never called: computed again from the second half."""
    recorder, place = observer.recorder, observer.stack.place("glu")
    site = recorder.open(
        replace(place, own_name=False),
        "gate" if place.own_name else "glu/gate",
        role=Role.GATE,
        tensor=half,
        trail=before,
        unit_axis=before.unit_axis,
        function="sigmoid",
        row=functions.get("sigmoid"),
    )
    recorder.measure_input(site, half, before)
    axis = before.sample_axis if observer.is_of_samples(half, before.sample_axis) else None
    trail = Trail((site.index,), unit_axis=before.unit_axis, sample_axis=axis)
    opened = torch.sigmoid(half)
    recorder.measure(site, opened, trail)
    recorder.count_shut(site, opened, trail)
    return site
