"""What a model is given: a site for each tensor, measured when its unit axis is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.capture.containers import tensors_in
from actdiag.capture.tokens import PaddingMeter
from actdiag.capture.trail import Trail
from actdiag.records import Role
from actdiag.stats.site import SiteAccumulator

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.capture.opened import OpenSite, Place
    from actdiag.capture.recorder import Recorder


class Inputs:
    """The sites of the model's inputs.

    The first layer that reads an input tells which axis its features lie on, so it is measured at
    the end of the pass.

    Attributes:
        padding: how much of the token ids among them is padding.
    """

    def __init__(self, recorder: Recorder, root: Place) -> None:
        self.padding = PaddingMeter()
        self._recorder, self._root = recorder, root
        self._pending: list[tuple[OpenSite, Tensor]] = []

    def open(self, arguments: Any) -> None:
        """Open a site for each tensor among the arguments of a pass."""
        recorder = self._recorder
        for tensor in tensors_in(arguments):
            axis = 1 if tensor.dim() == 2 and tensor.is_floating_point() else None  # noqa: PLR2004
            trail = Trail((), unit_axis=axis, sample_axis=0)
            site = recorder.open(
                self._root, "input", role=Role.INPUT, tensor=tensor, trail=trail, unit_axis=axis
            )
            axis = site.unit_axis
            if axis is not None and axis >= tensor.dim():
                axis = None
            origins = tuple(range(tensor.dim())) if axis is None else None
            known = Trail((site.index,), unit_axis=axis, sample_axis=0, origins=origins)
            recorder.follow(site, tensor, known)
            self._pending.append((site, tensor))
            self.padding.add(site.name, tensor, recorder.samples, recorder.mask)

    def measure(self) -> None:
        """Measure the inputs of this pass."""
        pending, self._pending = self._pending, []
        for site, tensor in pending:
            if site.units is not None and site.accumulator.units is None:
                site.accumulator = SiteAccumulator(site.units)
            trail = Trail((site.index,), unit_axis=site.unit_axis, sample_axis=0)
            self._recorder.measure(site, tensor, trail)
