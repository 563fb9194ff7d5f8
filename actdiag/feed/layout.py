"""Whether the axes of the data are where the first layer expects them, and how to mend it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from actdiag.feed.first_layer import FirstLayer


@dataclass(frozen=True)
class Change:
    """A way to mend the layout.

    Attributes:
        problem: what the data looks like.
        remedy: what the fix does, after "--fix-input".
        done: the same when it was done.
        step: does it to a batch ``(samples, ...)``.
    """

    problem: str
    remedy: str
    done: str
    step: Callable[[Tensor], Tensor]


def layout_change(value: Tensor, layer: FirstLayer, *, aligned: bool) -> Change | None:
    """The change that lets ``layer`` take ``value``, if it can't as it is and one is plain.

    ``aligned`` says that the first axis of ``value`` surely counts samples.
    """
    shape = tuple(value.shape)
    if layer.time_first and aligned and len(shape) == 3 and layer.kind == "recurrent":  # noqa: PLR2004
        return Change(
            f"the first layer ({layer}) takes time before samples, the data has samples first",
            "swaps the two",
            "the first two axes were swapped to (time, samples, features)",
            lambda x: x.transpose(0, 1),
        )
    if not mismatch(value, layer):
        return None
    if layer.axes and layer.kind in {"conv", "norm"}:
        return _for_channels(shape, layer)
    if layer.kind == "linear" and math.prod(shape[1:]) == layer.expects:
        return _for_linear(shape)
    if layer.kind == "recurrent" and len(shape) == 2 and layer.expects == 1:  # noqa: PLR2004
        return _new_axis("a feature axis", -1)
    if layer.kind == "embedding" and value.is_floating_point() and not (value % 1).any():
        return Change(
            "the ids are whole numbers stored as floats",
            "makes them integers",
            "the ids were made integers",
            lambda x: x.long(),
        )
    return None


def _for_channels(shape: tuple[int, ...], layer: FirstLayer) -> Change | None:
    channels, axes = layer.expects, layer.axes
    if len(shape) == axes + 2 and shape[-1] == channels:
        return Change(
            f"the channels seem to be last in {shape[1:]}",
            "moves them to the front",
            f"the channels of {shape[1:]} were moved to the front",
            lambda x: x.movedim(-1, 1),
        )
    if len(shape) == axes + 1 and channels == 1:
        return _new_axis("the channel axis", 1)
    side = math.isqrt(shape[1] // channels) if len(shape) == 2 else 0  # noqa: PLR2004 - a matrix
    if axes == 2 and side and shape[1] == channels * side * side:  # noqa: PLR2004 - Conv2d
        return Change(
            f"the images seem to be flattened to {shape[1]} values",
            f"makes them {channels} × {side} × {side} again",
            f"rows of {shape[1]} values were made {channels} × {side} × {side} images",
            lambda x: x.reshape(len(x), channels, side, side),
        )
    return None


def _for_linear(shape: tuple[int, ...]) -> Change:
    if len(shape) == 1:
        return _new_axis("a feature axis", 1)
    return Change(
        f"the samples are {shape[1:]}, not flat",
        "flattens them",
        f"samples of {shape[1:]} were flattened",
        lambda x: x.flatten(1),
    )


def _new_axis(what: str, axis: int) -> Change:
    return Change(f"{what} is missing", "adds it", f"{what} was added", lambda x: x.unsqueeze(axis))


def mismatch(value: Tensor, layer: FirstLayer) -> str:
    """What ``layer`` can't take in ``value`` ``(samples, ...)``, in both numbers; empty if fine."""
    shape, wants = tuple(value.shape), layer.expects
    takes = f"the model's first layer ({layer}) takes"
    if layer.kind == "linear":
        features = math.prod(shape[1:]) if layer.flattened else (shape[-1] if len(shape) > 1 else 1)
        if features != wants or len(shape) == 1:
            return f"the data has {features} features in samples of {shape[1:]}, {takes} {wants}"
    elif layer.kind in {"conv", "norm"} and not layer.flattened:
        least = 2 if layer.kind == "norm" and layer.axes == 1 else layer.axes + 2
        if not least <= len(shape) <= layer.axes + 2:
            axes = f"{wants} channels and {layer.axes} further axes"
            return f"the samples have the shape {shape[1:]}, {takes} {axes}"
        if shape[1] != wants:
            return f"the data has {shape[1]} channels in samples of {shape[1:]}, {takes} {wants}"
    elif layer.kind == "recurrent":
        if len(shape) != 3 or shape[-1] != wants:  # noqa: PLR2004 - samples, time, features
            return f"the samples have the shape {shape[1:]}, {takes} (time, {wants})"
    elif layer.kind == "embedding" and (value.is_floating_point() or value.is_complex()):
        held = str(value.dtype).removeprefix("torch.")
        return f"the data is {held}, {takes} integer ids below {wants}"
    elif layer.kind == "layer-norm" and not layer.flattened and shape[-1] != wants:
        return f"the samples have the shape {shape[1:]}, {takes} a last axis of {wants}"
    return ""
