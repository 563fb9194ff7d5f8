"""``--transform``: standardize, scale01, or a function of the user's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actdiag.errors import DataError, UsageError
from actdiag.feed.fit import Fitted, Source, Step
from actdiag.feed.isolation import Isolation
from actdiag.feed.names import printable
from actdiag.feed.streams import read
from actdiag.feed.tensors import as_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actdiag.feed.batch import Batch

BUILT_IN = ("standardize", "scale01")


@dataclass(frozen=True)
class Transformed:
    """A source whose positional inputs go through the user's ``function``, before anything else."""

    source: Source
    function: Callable[..., Any]
    seed: int

    @property
    def samples(self) -> int | None:
        """As in the source."""
        return self.source.samples

    def __iter__(self) -> Iterator[Batch]:
        isolation = Isolation(self.seed)
        for batch in self.source:
            with isolation.inside():
                result = read("the function of --transform", partial(self.function, *batch.inputs))
            inputs = tuple(result) if isinstance(result, tuple | list) else (result,)
            if not all(isinstance(as_inputs(value), Tensor) for value in inputs):
                raise DataError(
                    f"the function of --transform returned a {type(result).__name__}",
                    hint="It gets the inputs of a batch and returns them as a tensor or a tuple.",
                )
            yield replace(batch, inputs=tuple(as_inputs(value) for value in inputs))


class Moments:
    """Finite count, mean, squared deviations, least and largest value per feature, in float64.

    Batches are merged by the formula of Chan, Golub and LeVeque (1983), so nothing cancels.

    Args:
        axis: the axis of the features, or None to take all values as one feature.
    """

    def __init__(self, axis: int | None) -> None:
        self._axis = axis
        self._count = self._mean = self._squares = torch.zeros((), dtype=torch.float64)
        self.low = torch.tensor(torch.inf, dtype=torch.float64)
        self.high = torch.tensor(-torch.inf, dtype=torch.float64)

    def update(self, value: Tensor) -> None:
        """Add a batch. NaN and infinities are left out."""
        rows = value.to(torch.float64).movedim(self._axis or 0, 0)
        rows = rows.flatten(1) if self._axis is not None else rows.reshape(1, -1)
        finite = rows.isfinite()
        count = finite.sum(dim=1).to(torch.float64)
        zeroed = torch.where(finite, rows, 0.0)
        mean = zeroed.sum(dim=1) / count.clamp(min=1)
        squares = torch.where(finite, rows - mean[:, None], 0.0).square().sum(dim=1)
        total = self._count + count
        delta = mean - self._mean
        self._squares = (
            self._squares + squares + delta.square() * self._count * count / total.clamp(min=1)
        )
        self._mean = self._mean + delta * count / total.clamp(min=1)
        self._count = total
        self.low = torch.minimum(self.low, torch.where(finite, rows, torch.inf).amin(dim=1))
        self.high = torch.maximum(self.high, torch.where(finite, rows, -torch.inf).amax(dim=1))

    def standardize(self) -> tuple[Tensor, Tensor]:
        """Offset and divisor per feature: mean and population std, 1 for constant features."""
        std = (self._squares / self._count.clamp(min=1)).sqrt()
        # Rounding gives a constant feature a std of 1e-16 or so: least and largest value tell.
        return self._mean, _usable(torch.where(self.high > self.low, std, 0.0))

    def scale01(self) -> tuple[Tensor, Tensor]:
        """Offset and divisor per feature: least value and range, 1 for constant features."""
        seen = self._count > 0
        return torch.where(seen, self.low, 0.0), _usable(
            torch.where(seen, self.high - self.low, 0.0)
        )


def _usable(divisor: Tensor) -> Tensor:
    return torch.where(divisor > 0, divisor, 1.0)


@dataclass(frozen=True)
class Scale:
    """Offsets and divisors of the features of each input, and the axis that the features lie on.

    Attributes:
        which: ``standardize`` or ``scale01``.
        inputs: by position or name: offset, divisor (both per feature) and axis.
    """

    which: str
    inputs: dict[int | str, tuple[Tensor, Tensor, int | None]]


def scale_of(source: Source, which: str, *, channels_first: bool) -> Scale:
    """The scale by the whole data, which is read once for it.

    Features are the second axis of vectors and images, the last one of sequences ``(n, t, f)``
    unless ``channels_first``.

    Raises:
        UsageError: there is no float input, as with token ids.
    """
    moments: dict[int | str, Moments] = {}
    axes: dict[int | str, int | None] = {}
    for batch in source:
        for place, value in batch.named().items():
            if isinstance(value, Tensor) and value.is_floating_point():
                if place not in moments:
                    axes[place] = _axis(value.ndim, channels_first=channels_first)
                    moments[place] = Moments(axes[place])
                moments[place].update(value)
    if not moments:
        raise UsageError(
            f"--transform {which} cannot be applied: the data holds no real numbers",
            hint="Ids and other whole numbers are not scaled; leave the option out.",
        )
    inputs = {place: (*getattr(seen, which)(), axes[place]) for place, seen in moments.items()}
    return Scale(which, inputs)


def scaled(source: Fitted, scale: Scale, *, by: str = "the data's own") -> Fitted:
    """The source with each float input scaled; ``by`` says whose statistics the scale holds."""
    steps: dict[int | str, tuple[Step, ...]] = {
        place: (_step(*one),) for place, one in scale.inputs.items()
    }
    note = {"standardize": "standardized", "scale01": "scaled to 0..1"}[scale.which]
    return Fitted(source, steps, (f"each feature was {note} by {by} statistics",))


def check_scale(scale: Scale, batch: Batch) -> None:
    """Raise DataError unless the inputs of ``batch`` have the features that the scale knows."""
    for place, (offset, _, axis) in scale.inputs.items():
        value = batch.named().get(place)
        features = 0
        if isinstance(value, Tensor) and value.is_floating_point():
            features = 1 if axis is None else value.shape[axis] if value.ndim > axis else 0
        if features != offset.numel():
            raise DataError(
                f"--transform {scale.which} takes its statistics from the training data, which "
                f"has {offset.numel()} features where the data has {features}",
                hint="Give training data of the same kind as the data.",
            )


def _axis(axes: int, *, channels_first: bool) -> int | None:
    if axes < 2:  # noqa: PLR2004 - (samples,)
        return None
    return 2 if axes == 3 and not channels_first else 1  # noqa: PLR2004 - (samples, time, features)


def _step(offset: Tensor, divisor: Tensor, axis: int | None) -> Step:
    def scale(value: Tensor) -> Tensor:
        shape = [1] * value.ndim
        if axis is not None:
            shape[axis] = -1
        wide = (value.to(torch.float64) - offset.reshape(shape)) / divisor.reshape(shape)
        return wide.to(value.dtype)

    return scale


def check_name(transform: str) -> None:
    """Raise UsageError for a name that is neither built in nor of the form file.py:fn."""
    if transform not in BUILT_IN:
        raise UsageError(
            f"--transform {printable(transform)} is not known",
            hint="Use standardize, scale01 or file.py:function.",
        )
