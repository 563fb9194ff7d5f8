"""What a function will ask of its input, counted while that is still read as a layer's output.

Reading an activation costs nearly as much as measuring it. Once the first batch has shown which
function reads the output of a site, the kernel counts by that function's thresholds in the same
walk. The counts stand only if the function is then called with that very tensor, unchanged.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.stats.native import Regions

Axes = tuple["int | None", "int | None", int]
"""Of the units, of the samples, and how many samples there are."""


class Ahead:
    """Counts made ahead for one function.

    Args:
        regions: its thresholds.
        rows: of the table that :func:`actdiag.stats.native.merge_regions` counts in.
    """

    def __init__(self, regions: Regions, rows: int) -> None:
        self.regions, self.rows = regions, rows
        self._table: Tensor | None = None
        self._expected: tuple[weakref.ref[Tensor], int, Axes] | None = None

    def expect(self, units: int, x: Tensor, axes: Axes) -> Tensor | None:
        """The table for the counts of ``x``, which is about to be read.

        Null where a change of it would not be noticed, or where the last one was expected in vain.
        """
        if self._expected is not None or x.is_inference():
            self._expected = None
            return None
        if self._table is None or self._table.shape[1] != units:
            # What is made in inference mode could not be written to outside.
            with torch.inference_mode(mode=False):
                self._table = torch.empty(self.rows, units, dtype=torch.float64)
        self._expected = weakref.ref(x), x._version, axes  # noqa: SLF001 - documented by torch
        return self._table

    def counted(self, x: Tensor, axes: Axes) -> Tensor | None:
        """The counts of ``x``; null where they were not made, or of something else."""
        if self._expected is None:
            return None
        (tensor, *rest), self._expected = self._expected, None
        same = tensor() is x and rest == [x._version, axes]  # noqa: SLF001
        return self._table if same else None
