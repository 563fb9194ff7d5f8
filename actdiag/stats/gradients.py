"""Gradients as a stream: their rms, extremes, zeros and non-finite values."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import torch

from actdiag.records import GradientStats
from actdiag.stats.devices import accumulator_device
from actdiag.stats.layout import plain

if TYPE_CHECKING:
    from torch import Tensor


class GradientRow(IntEnum):
    """What the accumulator holds, in float64. ``SQUARES`` and ``LARGEST`` are of finite values."""

    ELEMENTS = 0
    NONFINITE = 1
    ZEROS = 2
    SQUARES = 3
    LARGEST = 4


class GradientAccumulator:
    """Streams the gradients at one place; memory is five numbers.

    Any partition of the same gradients into calls and accumulators gives the same counts exactly
    and the same rms to rounding. Nothing is read back from an accelerator before
    :meth:`to_record`.
    """

    def __init__(self) -> None:
        self.row: Tensor | None = None

    def update(self, gradient: Tensor) -> None:
        """Take in a gradient of any shape and type; complex values count by their size."""
        values = plain(gradient)
        if not values.numel():
            return
        sizes = values.abs().to(accumulator_device(values.device)).double()
        finite = torch.isfinite(sizes)
        sizes = torch.where(finite, sizes, 0)
        counts = (
            torch.full_like(sizes.sum(), sizes.numel()),
            (~finite).sum().double(),
            ((sizes == 0) & finite).sum().double(),
        )
        self._take(torch.stack((*counts, sizes.square().sum(), sizes.max())))

    def merge(self, other: GradientAccumulator) -> None:
        """Take in all that another accumulator of the same place has seen."""
        if other.row is not None:
            self._take(other.row)

    def _take(self, row: Tensor) -> None:
        if self.row is None:
            self.row = row
            return
        row = row.to(self.row.device)
        largest = torch.maximum(self.row, row)[GradientRow.LARGEST :]
        self.row = torch.cat(((self.row + row)[: GradientRow.LARGEST], largest))

    def to_record(self) -> GradientStats:
        """The numbers so far."""
        if self.row is None:
            return GradientStats()
        elements, nonfinite, zeros, squares, largest = self.row.tolist()
        finite = elements - nonfinite
        return GradientStats(
            elements=int(elements),
            rms=(squares / finite) ** 0.5 if finite else None,
            max=largest if finite else None,
            zero_fraction=zeros / elements,
            nonfinite=int(nonfinite),
        )
