"""What every kind of call shares: trails of the arguments, opening a site, finishing it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from actdiag.capture.containers import tensors_in
from actdiag.capture.origins import Side
from actdiag.capture.trail import Trail
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from actdiag.capture.matching import Written
    from actdiag.capture.modules import ModuleStack
    from actdiag.capture.opened import OpenSite
    from actdiag.capture.operations import Operation
    from actdiag.capture.recorder import Recorder
    from actdiag.functions.row import ActivationFunction


class Call(NamedTuple):
    """One call of a torch function, not yet made."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def make(self) -> Any:
        """Make it."""
        return self.function(*self.args, **self.kwargs)

    def giving(self, output: Any) -> Call:
        """The call after it was made: making it again gives ``output``."""

        def given(*_args: Any, **_kwargs: Any) -> Any:
            return output

        given.__name__ = getattr(self.function, "__name__", "")
        return self._replace(function=given)

    def first(self) -> Tensor | None:
        """The first tensor among the arguments."""
        return next(tensors_in((self.args, self.kwargs)), None)


class Observer:
    """The recorder and the module stack, with what the handlers of all kinds need.

    Attributes:
        weights_used: modules whose parameters were arguments of a call.
        weights_seen: ids of the parameters that met the model's data in a call.
        written: by call, the activation that ends with it, or None once it is known to be none.
        not_captured: functions that change values in a way no catalogue knows, in order.
    """

    def __init__(self, recorder: Recorder, stack: ModuleStack, weights: dict[int, str]) -> None:
        self.recorder = recorder
        self.stack = stack
        self.weights_used: set[str] = set()
        self.weights_seen: set[int] = set()
        self.not_captured: dict[str, None] = {}
        self.written: dict[tuple[str, str, int], Written | None] = {}
        self._weights = weights

    def trails(self, call: Call) -> list[Trail]:
        """Trails of the tensors among the arguments; weights met on the way are noted."""
        return [side.trail for side in self.sides(call)]

    def sides(self, call: Call) -> list[Side]:
        """The arguments with a trail; weights met on the way are noted."""
        sides, weights = [], []
        for tensor in tensors_in((call.args, call.kwargs), depth=3):
            trail = self.recorder.trails.of(tensor)
            if trail is not None:
                sides.append(Side(tensor, trail))
            elif id(tensor) in self._weights:
                weights.append(id(tensor))
            elif self.recorder.left is not None and self.is_of_samples(tensor, 0):
                left = replace(self.recorder.left, unit_axis=None, sample_axis=0)
                sides.append(Side(tensor, left))
        self.weights_used.update(self._weights[weight] for weight in weights)
        if sides:
            self.weights_seen.update(weights)
        return sides

    def owner(self, weight: Tensor) -> str | None:
        """The name of the module that owns a weight."""
        return self._weights.get(id(weight))

    def open(
        self,
        label: str,
        *,
        role: Role,
        tensor: Tensor,
        trail: Trail,
        unit_axis: int | None,
        row: ActivationFunction | None = None,
        settings: dict[str, float] | None = None,
    ) -> OpenSite:
        """The site of a call made where the model is now."""
        site = self.recorder.open(
            self.stack.place(label),
            label,
            role=role,
            tensor=tensor,
            trail=trail,
            unit_axis=unit_axis,
            row=row,
            settings=settings,
        )
        self.stack.opened += 1
        return site

    def open_written(self, found: Written, values: Tensor, trail: Trail) -> OpenSite:
        """The site of an activation that is written out, its input ``values`` measured."""
        site = self.open(
            found.row.name,
            role=Role.ACTIVATION,
            tensor=values,
            trail=trail,
            unit_axis=trail.unit_axis,
            row=found.row,
            settings=found.settings,
        )
        self.recorder.measure_input(site, values, trail)
        return site

    def finish(
        self, site: OpenSite, output: Tensor, unit_axis: int | None, sample_axis: int | None
    ) -> None:
        """Measure what the call gave; ``sample_axis`` is where the samples lay before it."""
        axis = sample_axis if self.is_of_samples(output, sample_axis) else None
        trail = Trail((site.index,), unit_axis=unit_axis, sample_axis=axis, fresh=True)
        self.recorder.measure(site, output, trail)

    def opened(self, result: Any) -> OpenSite | None:
        """The site of the call that just gave ``result``, if it made one."""
        output = next(tensors_in(result), None)
        trail = None if output is None else self.recorder.trails.of(output)
        return self.recorder.sites[trail.sites[0]] if trail is not None and trail.fresh else None

    def is_of_samples(self, tensor: Tensor, axis: int | None) -> bool:
        """Whether the size of the axis is a multiple of the samples."""
        samples = self.recorder.samples
        fits = axis is not None and axis < tensor.dim() and samples > 0
        return fits and tensor.shape[axis or 0] % samples == 0

    def call_key(self, operation: Operation) -> tuple[str, str, int]:
        """Tells one call from all others of a forward pass, and finds it again in the next."""
        module = self.stack.place().module
        return module, operation.name, self.recorder.counts.count((module, operation.name))

    def note_unknown(self, operation: Operation) -> None:
        """Tell of a function that nothing is known of."""
        place = self.stack.place()
        self.not_captured[f"{place.module}/{operation.name}".lstrip("/")] = None
