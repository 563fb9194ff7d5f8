"""Modules without modules of their own, in which nothing was called that is a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from actdiag.capture.containers import holds_reals, tensors_in
from actdiag.capture.opened import Place
from actdiag.capture.trail import Trail
from actdiag.records import Role

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.capture.modules import Running
    from actdiag.capture.recorder import Recorder


def observe_silent(recorder: Recorder, left: Running, args: Any, result: Any) -> bool:
    """Whether what the module gave is a site: it holds other values than those it was given.

    Dropout in eval mode, ``Identity`` and ``Flatten`` give what was measured before.
    """
    with torch._C.DisableTorchFunction():  # noqa: SLF001 - hooks run inside the function mode
        output = next(tensors_in(result), None)
        before = None if output is None else recorder.trails.of(output)
        if output is None or before is None or not holds_reals(output):
            return False
        given = {tensor.data_ptr() for tensor in tensors_in(args)}
        if output.data_ptr() in given or _is_measured(recorder, output, before):
            return False
        site = recorder.open(
            Place(left.place.module, left.place.module_class, own_name=bool(left.place.module)),
            left.place.module_class,
            role=Role.BLOCK,
            tensor=output,
            trail=before,
            unit_axis=before.unit_axis,
        )
        after = Trail((site.index,), unit_axis=before.unit_axis, sample_axis=before.sample_axis)
        recorder.measure(site, output, after)
        return True


def _is_measured(recorder: Recorder, output: Tensor, trail: Trail) -> bool:
    """Whether the values are those of a site, moved, reshaped or copied at most."""
    if not trail.straight or trail.changed or len(trail.sites) != 1:
        return False
    return recorder.sites[trail.sites[0]].dtype == str(output.dtype).removeprefix("torch.")
