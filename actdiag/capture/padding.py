"""Padding: which positions of a batch are none of the data, and how to leave them out.

A mask of shape ``(samples, positions)`` is found among the arguments by its name. What has the
sample and the position axis is measured on the kept positions alone: samples of the same length
together, so that each is still a sample.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from actdiag.stats.devices import sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KEEPS = ("attention_mask", "mask", "input_mask", "src_mask")
HIDES = ("src_key_padding_mask", "key_padding_mask", "padding_mask", "encoder_padding_mask")


class Part(NamedTuple):
    """Some samples of a tensor, and where their axes lie now.

    ``rows`` says which, if not all, on the CPU.
    """

    tensor: Tensor
    unit_axis: int | None
    sample_axis: int | None
    samples: int
    rows: Tensor | None = None


class _Group(NamedTuple):
    """Samples of one length: which, on the CPU, and as indices of their kept positions."""

    rows: Tensor
    samples: Tensor
    positions: Tensor


def _groups(keep: Tensor) -> list[_Group]:
    """Samples by their length; an accelerator is asked once for it, and not for every site."""
    here = keep.cpu()
    lengths, found = here.sum(1), []
    for length in sorted(set(lengths.tolist()) - {0}):
        rows = (lengths == length).nonzero().squeeze(1)
        columns = here[rows].nonzero()[:, 1].view(len(rows), -1)
        places = (sent(index, keep.device) for index in (rows.unsqueeze(1), columns))
        found.append(_Group(rows, *places))
    return found


class Mask:
    """The kept positions of one batch.

    Attributes:
        name: of the argument.
        keep: true where a position is data, shape ``(samples, positions)``.
    """

    def __init__(self, name: str, given: Tensor, keep: Tensor) -> None:
        self.name, self.keep = name, keep
        self._given = id(given)
        self._groups = _groups(keep)

    def parts(
        self, tensor: Tensor, unit_axis: int | None, sample_axis: int | None
    ) -> Iterator[Part]:
        """The kept positions of ``tensor``; all of it where it has no axes of this mask."""
        samples, positions = self.keep.shape
        place = None if id(tensor) == self._given else self._axis(tensor, unit_axis, sample_axis)
        if place is None or sample_axis is None:
            yield Part(tensor, unit_axis, sample_axis, samples)
            return
        if place == sample_axis:  # tokens as rows
            tensor = torch.unflatten(tensor, place, (samples, positions))
            place += 1
            unit_axis = unit_axis if unit_axis is None or unit_axis < place else unit_axis + 1
        rest = [axis for axis in range(tensor.dim()) if axis not in (sample_axis, place)]
        moved = tensor.permute(sample_axis, place, *rest)
        unit = None if unit_axis is None else 2 + rest.index(unit_axis)
        for group in self._groups:
            kept = moved[group.samples, group.positions]
            yield Part(kept, unit, 0, len(group.rows), group.rows)

    def _axis(self, tensor: Tensor, unit: int | None, sample: int | None) -> int | None:
        """The axis of the positions; that of the samples where tokens are rows."""
        samples, positions = self.keep.shape
        if sample is None or sample == unit:
            return None
        if tensor.shape[sample] == samples * positions and positions > 1:
            return sample
        if tensor.shape[sample] != samples:
            return None
        axes = [
            axis
            for axis in range(tensor.dim())
            if axis not in (sample, unit) and tensor.shape[axis] == positions
        ]
        usual = 2 if tensor.dim() == 4 else 1  # noqa: PLR2004 - (samples, heads, positions, width)
        return usual if usual in axes else axes[0] if axes else None


def mask_of(
    names: Sequence[str],
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any],
    chosen: str | None,
) -> Mask | None:
    """The mask among the arguments of a call, or None where there is none or nothing is masked.

    ``names`` are those of the parameters. ``chosen`` names the mask; else it is known by its name.
    Boolean and 0-or-1 masks of attention keep where they are 1, those of padding where they are 0;
    an added one keeps where it is 0.
    """
    given = dict(zip(names, inputs, strict=False)) | kwargs
    others = [value for value in (*inputs, *kwargs.values()) if isinstance(value, Tensor)]
    for name in [chosen] if chosen is not None else (*HIDES, *KEEPS):
        mask = given.get(name)
        if not isinstance(mask, Tensor) or mask.dim() != 2:  # noqa: PLR2004 - samples, positions
            continue
        if chosen is None and not any(_lies_over(mask, other) for other in others):
            continue
        keep = _kept(mask, hides=name in HIDES)
        if keep is not None and not bool(keep.all()):
            return Mask(name, mask, keep)
    return None


def parameters_of(forward: Callable[..., Any]) -> list[str]:
    """Names of the parameters of a function, as far as they can be told."""
    try:
        return list(inspect.signature(forward).parameters)
    except (TypeError, ValueError):
        return []


def _lies_over(mask: Tensor, other: Tensor) -> bool:
    """Whether ``other`` has the samples and positions of the mask."""
    return other is not mask and other.dim() > 1 and other.shape[:2] == mask.shape


def _kept(mask: Tensor, *, hides: bool) -> Tensor | None:
    if mask.is_floating_point() and bool((mask < 0).any()):
        return mask == 0
    flags = mask != 0
    if mask.dtype is not torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
        return None
    return ~flags if hides else flags
