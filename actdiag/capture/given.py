"""What a call is given, and where it is made: all that its meaning to the capture depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Parameter

from actdiag.stats.guards import guard_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.capture.observer import Call, Observer
    from actdiag.capture.trail import Trail

_PLAIN: tuple[type, ...] = (type(None), type(...), bool, int, float, complex, str)
_PLAIN += (torch.dtype, torch.device, torch.layout, torch.memory_format)


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor among a call's arguments: its place there, and what its meaning depends on.

    ``guard`` tells quickly, if at all, that class, shape and dtype are the same.
    """

    place: int
    kind: type[Tensor]
    trail: Trail | None
    shape: torch.Size
    dtype: torch.dtype
    guard: Callable[[Any], bool]

    def is_like(self, value: Any) -> bool:
        """Whether a value has the same class, shape and dtype."""
        same = type(value) is self.kind and value.shape == self.shape
        return same and value.dtype is self.dtype


@dataclass(frozen=True, slots=True)
class Given:
    """A call's arguments and place.

    Attributes:
        names: of the arguments given by name, which follow the others.
        tensors: each tensor that is no parameter.
        weights: place and value of each parameter of the model.
        fixed: place and value of everything else.
        many: how many arguments there are.
        samples: in the batch.
        later: whether the module that runs had a site before.
    """

    names: tuple[str, ...]
    tensors: tuple[Held, ...]
    weights: tuple[tuple[int, Tensor], ...]
    fixed: tuple[tuple[int, Any], ...]
    many: int
    samples: int
    later: bool

    @property
    def alone(self) -> Held | None:
        """The first argument where that is the only one computed from the model's data."""
        computed = [held for held in self.tensors if held.trail is not None]
        return computed[0] if len(computed) == 1 and computed[0].place == 0 else None

    @property
    def first(self) -> tuple[int, Trail] | None:
        """Place and trail of the first tensor, if it has a trail."""
        if not self.tensors or (self.weights and self.weights[0][0] < self.tensors[0].place):
            return None
        first = self.tensors[0]
        return None if first.trail is None else (first.place, first.trail)


def given_of(observer: Observer, call: Call, values: tuple[Any, ...]) -> Given | None:
    """What the call is given; None where it holds more than tensors, numbers and words."""
    tensors, weights, fixed = [], [], []
    for place, value in enumerate(values):
        if type(value) in (Tensor, Parameter):
            trail = observer.recorder.trails.of(value)
            if trail is None and observer.owner(value) is not None:
                weights.append((place, value))
            else:
                tensors.append(_held(place, value, trail))
        elif _is_plain(value):
            fixed.append((place, value))
        else:
            return None
    running = observer.stack.running
    return Given(
        names=tuple(call.kwargs),
        tensors=tuple(tensors),
        weights=tuple(weights),
        fixed=tuple(fixed),
        many=len(values),
        samples=observer.recorder.samples,
        later=bool(running) and observer.stack.opened > running[-1].sites_at_entry,
    )


def agrees(
    given: Given, observer: Observer, values: tuple[Any, ...], kwargs: dict[str, Any]
) -> bool:
    """Whether a call is given the same, in the same place, as far as its meaning goes."""
    recorder, stack = observer.recorder, observer.stack
    if len(values) != given.many or recorder.samples != given.samples or recorder.left is not None:
        return False
    if (kwargs or given.names) and tuple(kwargs) != given.names:
        return False
    running = stack.running
    if (bool(running) and stack.opened > running[-1].sites_at_entry) is not given.later:
        return False
    for place, value in given.fixed:
        if values[place] is not value and not _same(values[place], value):
            return False
    for place, weight in given.weights:  # and none was computed from the data since
        if values[place] is not weight or id(weight) in recorder.trails.known:
            return False
    for held in given.tensors:  # noqa: SIM110 - a generator takes longer than all of it
        if not _is_alike(held, values[held.place], observer):
            return False
    return True


def _held(place: int, tensor: Tensor, trail: Trail | None) -> Held:
    return Held(place, type(tensor), trail, tensor.shape, tensor.dtype, guard_of(tensor))


def _is_alike(held: Held, tensor: Any, observer: Observer) -> bool:
    """Whether an argument means what the one before meant."""
    if not (held.guard(tensor) or held.is_like(tensor)):
        return False
    entry = observer.recorder.trails.known.get(id(tensor))
    if entry is None or entry[0]() is not tensor:
        return held.trail is None and observer.owner(tensor) is None
    return entry[1] is held.trail


def _is_plain(value: Any) -> bool:
    """Whether the value can be compared with another without a look into tensors or objects."""
    if type(value) in (tuple, list, torch.Size):
        return all(_is_plain(entry) for entry in value)
    if type(value) is slice:
        return all(_is_plain(end) for end in (value.start, value.stop, value.step))
    return type(value) in _PLAIN


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and _is_plain(value) and bool(value == other)
