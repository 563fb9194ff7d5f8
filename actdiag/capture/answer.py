"""The model's answer: which of the tensors it gave is judged, and the site that it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.capture.containers import holds_reals, primary_output, tensors_in
from actdiag.capture.trail import Trail
from actdiag.records import Role

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.capture.observer import Observer
    from actdiag.capture.opened import OpenSite, Place

_DISTRIBUTIONS = ("softmax", "log_softmax", "sigmoid", "logsigmoid")


class Answer:
    """Finds the answer in what the model gave, and marks the sites that gave it.

    Attributes:
        note: which of several tensors is judged, or ``""``.
    """

    def __init__(self, observer: Observer, root: Place) -> None:
        self.note = ""
        self._observer, self._root = observer, root
        self._recorder = observer.recorder

    def of(self, result: Any) -> Tensor | None:
        """The tensor that is judged, its site marked as final."""
        for tensor in tensors_in(result):
            if (site := self._source(tensor)) is not None:
                site.returned = True
        chosen = self._chosen(result)
        if chosen is not None:
            self._mark(chosen)
        return chosen

    def _chosen(self, result: Any) -> Tensor | None:
        """The answer: ``logits``, else what a final softmax or sigmoid gave, else the first tensor.

        Of several tensors the one that was chosen is told in the coverage's note. Where none of
        them has a row for each sample, as a detector gives a table for each image, none is.
        """
        chosen = primary_output(result)
        given = [tensor for tensor in tensors_in(result) if holds_reals(tensor)]
        if len(given) > 1 and chosen is given[0]:
            rows = [tensor for tensor in given if self._has_rows(tensor)]
            if not rows:
                self.note = (
                    f"The model gives {len(given)} tensors, none of which has a row for each "
                    "sample: none is judged."
                )
                return None
            chosen = next((tensor for tensor in rows if self._is_distribution(tensor)), rows[0])
        if len(given) > 1 and chosen is not None and not self.note:
            shapes = ", ".join("×".join(map(str, tensor.shape)) for tensor in given[:6])
            place = next(index for index, tensor in enumerate(given, 1) if tensor is chosen)
            self.note = (
                f"The model gives {len(given)} tensors ({shapes}); number {place} is judged."
            )
        return chosen

    def _has_rows(self, tensor: Tensor) -> bool:
        trail = self._recorder.trails.of(tensor)
        axes = (0, trail.sample_axis) if trail is not None else (0,)
        return any(self._observer.is_of_samples(tensor, axis) for axis in axes)

    def _is_distribution(self, tensor: Tensor) -> bool:
        trail, site = self._recorder.trails.of(tensor), self._source(tensor)
        if site is None or trail is None or trail.changed:
            return False
        return site.role is Role.ACTIVATION and site.function in _DISTRIBUTIONS

    def _source(self, tensor: Tensor) -> OpenSite | None:
        """The one site that gave the tensor, with nothing but linear operations in between."""
        trail = self._recorder.trails.of(tensor)
        if trail is None or len(trail.sites) != 1 or not trail.straight:
            return None
        return self._recorder.sites[trail.sites[0]]

    def _mark(self, output: Tensor) -> None:
        """Mark the site that gave the answer, or open one where none did."""
        site = self._source(output)
        if site is not None and site.role is not Role.INPUT:
            site.is_final = True
            return
        trail = self._recorder.trails.of(output)
        carried = trail.unit_axis if trail is not None else None
        unit_axis = 1 if output.dim() == 2 and carried is None else carried  # noqa: PLR2004
        site = self._recorder.open(
            self._root,
            "output",
            role=Role.OUTPUT,
            tensor=output,
            trail=trail,
            unit_axis=unit_axis,
        )
        site.is_final = True
        axis = 0 if self._observer.is_of_samples(output, 0) else None
        after = Trail((site.index,), unit_axis=unit_axis, sample_axis=axis)
        self._recorder.measure(site, output, after)
