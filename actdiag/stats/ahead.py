"""What a function will ask of its input, counted while that is still read as a layer's output.

Reading an activation costs nearly as much as measuring it. Once the first batch has shown which
function reads the output of a site, the kernel counts by that function's thresholds in the same
walk. The counts stand only if the function is then called with that very tensor, unchanged.
What ReLU gives is known as well then, but for picks and rows: the walk keeps its sums.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import torch

from actdiag.stats import native

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.stats.native import Regions

_dispatch_modes = torch._C._len_torch_dispatch_stack  # noqa: SLF001 - nothing public tells it

Axes = tuple["int | None", "int | None", int]
"""Of the units, of the samples, and how many samples there are."""


class Ahead:
    """Counts made ahead for one function.

    Args:
        regions: its thresholds.
        rows: of the table that :func:`actdiag.stats.native.merge_regions` counts in.
        is_relu: whether what the function gives is exactly ``max(x, 0)``.

    Attributes:
        kept: memory for what the kernel finds out about the function's output, if anything.
    """

    def __init__(self, regions: Regions, rows: int, *, is_relu: bool = False) -> None:
        self.regions, self.rows, self.is_relu = regions, rows, is_relu
        self.kept: Tensor | None = None
        self._keeps = False
        self._given: Axes | None = None
        self._table: Tensor | None = None
        self._expected: tuple[weakref.ref[Tensor], int, Axes] | None = None

    def expect(self, units: int, x: Tensor, axes: Axes, *, keeps: bool = False) -> Tensor | None:
        """The table for the counts of ``x``, which is about to be read.

        ``keeps`` tells whether what ReLU gives will be kept then.
        Null where a change of it would not be noticed, or where the last one was expected in vain.
        """
        if self._expected is not None or x.is_inference():
            self._expected = None
            return None
        if self._table is None or self._table.shape[1] != units:
            # What is made in inference mode could not be written to outside.
            with torch.inference_mode(mode=False):
                self._table = torch.empty(self.rows, units, dtype=torch.float64)
                if self.is_relu:
                    self.kept = torch.zeros(native.kept_size(units), dtype=torch.float64)
        self._expected = weakref.ref(x), x._version, axes  # noqa: SLF001 - documented by torch
        self._keeps = keeps and self.is_relu
        return self._table

    def counted(self, x: Tensor, axes: Axes) -> Tensor | None:
        """The counts of ``x``; null where they were not made, or of something else."""
        self._given = None
        if self._expected is None:
            return None
        (tensor, *rest), self._expected = self._expected, None
        same = tensor() is x and rest == [x._version, axes]  # noqa: SLF001
        self._given = axes if same and self._keeps else None
        return self._table if same else None

    def drop(self) -> None:
        """What was counted last may not be so any more."""
        self._expected = None

    def forget(self) -> None:
        """What the function gave goes another way."""
        self._given = None

    def gave(self, axes: Axes) -> Tensor | None:
        """What is kept of the function's output, if it was just called with what was counted.

        Once only. Null where somebody could have changed what torch computes.
        """
        given, self._given = self._given, None
        return self.kept if given == axes and not _dispatch_modes() else None
