"""Remedy: standardised inputs, by mean and deviation per feature of the training samples.

Both arms start from fresh weights: the file's were fitted to the inputs as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.remedies.base import Arm, NotApplicableError, Remedy, Subject, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


def apply(arm: Arm, _subject: Subject) -> str:
    """Standardise every input that holds real numbers; what the arm trains and is judged on."""
    from torch import Tensor

    from actdiag.feed.scaling import Moments

    scales: dict[int | str, Callable[[Tensor], Tensor]] = {}
    for place, value in arm.samples.named().items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            continue
        axis = _features(value, arm.module)
        moments = Moments(axis)
        moments.update(value)
        offset, divisor = moments.standardize()
        scales[place] = _scaling(offset, divisor, axis)
        arm.beside |= {f"input_{place}_mean": offset, f"input_{place}_std": divisor}
    if not scales:
        raise NotApplicableError("The inputs are ids or other whole numbers: nothing to scale.")

    def scaled(place: int | str, value: Any) -> Any:
        return scales[place](value) if place in scales else value

    arm.prepare = lambda batch: batch.map_inputs(scaled)
    return "inputs scaled to mean 0 and deviation 1, by the training samples"


def _features(value: Tensor, module: nn.Module) -> int | None:
    """The axis of the features: channels of images, the last of sequences unless convolved."""
    from torch import nn

    if value.dim() < 2:  # noqa: PLR2004 - (samples,)
        return None
    first = next((part for part in module.modules() if not list(part.children())), None)
    sequence = value.dim() == 3 and not isinstance(first, nn.Conv1d)  # noqa: PLR2004 - (n, t, f)
    return 2 if sequence else 1


def _scaling(offset: Tensor, divisor: Tensor, axis: int | None) -> Callable[[Tensor], Tensor]:
    def scale(value: Tensor) -> Tensor:
        shape = [1] * value.dim()
        if axis is not None:
            shape[axis] = -1
        scaled = (value.double() - offset.reshape(shape)) / divisor.reshape(shape)
        return scaled.to(value.dtype)

    return scale


REMEDY = Remedy(
    "standardize",
    "Standardise the inputs",
    apply,
    fresh,
    causes=("unnormalised-input",),
    codes=("DAT701",),
    cheap=True,
)
