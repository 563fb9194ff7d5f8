"""Counts and moments per unit as one tensor, merged by Chan's formula.

Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import torch

from actdiag.stats.devices import accumulator_device

if TYPE_CHECKING:
    from torch import Tensor


_CPU = torch.device("cpu")


class Row(IntEnum):
    """What each row of a ``(rows, units)`` table of moments holds.

    Counts are held in float64, exact up to 9e15. ``COUNT`` is of finite values. ``LOW`` is inf
    and ``HIGH`` -inf where there was none. The mean is ``MEAN + REST``, where ``REST`` holds the
    digits that float64 rounds away: means near 1e4 may differ by 1e-6 and their variance counts.
    ``SQUARES`` is the sum of squared distances from the mean.
    """

    COUNT = 0
    NONFINITE = 1
    ZEROS = 2
    POSITIVE = 3
    ABSOLUTE = 4
    MEAN = 5
    REST = 6
    SQUARES = 7
    LOW = 8
    HIGH = 9


@dataclass(frozen=True, slots=True)
class Measured:
    """What one walk over a tensor found.

    Attributes:
        table: rows as in :class:`Row`, one column per unit.
        samples: the means of each sample: rows count, mean, rest and squared distances, one column
            per unit; null where the tensor is not ordered by sample.
        nan: number of NaN.
    """

    table: Tensor
    samples: Tensor | None
    nan: Tensor | int = 0


def empty(units: int, device: torch.device = _CPU) -> Tensor:
    """The table of no values at all."""
    table = torch.zeros(len(Row), units, dtype=torch.float64, device=accumulator_device(device))
    table[Row.LOW], table[Row.HIGH] = torch.inf, -torch.inf
    return table


def empty_means(units: int) -> Tensor:
    """Rows count, mean, rest and squared distances of no samples at all, on the CPU."""
    return torch.zeros(4, units, dtype=torch.float64)


def combined(stack: Tensor) -> Tensor:
    """Merge tables as if their values had been one set: ``(tables, rows, units)`` to one table."""
    if stack.shape[0] == 1:
        return stack[0]
    result = torch.empty_like(stack[0])
    result[: Row.MEAN] = stack[:, : Row.MEAN].sum(0)
    result[Row.MEAN], result[Row.REST], result[Row.SQUARES] = chan(
        stack[:, Row.COUNT], stack[:, Row.MEAN], stack[:, Row.REST], stack[:, Row.SQUARES]
    )
    result[Row.LOW] = stack[:, Row.LOW].amin(0)
    result[Row.HIGH] = stack[:, Row.HIGH].amax(0)
    return result


def combined_means(stack: Tensor) -> Tensor:
    """Merge rows count, mean, rest and squared distances: ``(parts, 4, units)`` to one part."""
    count, mean, rest, squares = stack.unbind(1)
    return torch.stack((count.sum(0), *chan(count, mean, rest, squares)))


def unknown_means(table: Tensor) -> Tensor:
    """Rows of means that cannot be known, whatever is merged with them."""
    return table.new_full((4, 1), torch.nan)


def chan(
    count: Tensor, mean: Tensor, rest: Tensor, squares: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Merge along axis 0: mean and rest of all, and the sum of squared distances from it.

    Distances are taken from a rough mean first, so that a large common offset costs no digits.
    """
    total = count.sum(0).clamp_(min=1)
    rough = (count * mean).sum(0) / total
    away = (mean - rough) + rest
    shift = (count * away).sum(0) / total
    away = away - shift
    return *shifted(rough, shift), (squares + count * away * away).sum(0)


def shifted(large: Tensor, small: Tensor) -> tuple[Tensor, Tensor]:
    """``large + small`` as a float64 and the rest that it cannot hold (Dekker 1971)."""
    mean = large + small
    return mean, small - (mean - large)


def spread(table: Tensor) -> Tensor:
    """Standard deviation of each unit over all its values (not n - 1), shape ``(units,)``."""
    variance = table[Row.SQUARES] / table[Row.COUNT].clamp(min=1)
    # Equal values have none, whatever rounding left.
    return torch.where(table[Row.LOW] == table[Row.HIGH], 0, variance.clamp(min=0).sqrt())


def pooled(table: Tensor) -> Tensor:
    """All units of a table as a single one: ``(rows, units)`` to ``(rows, 1)``."""
    if table.shape[1] == 0:
        return empty(1, table.device)
    return combined(table.T.unsqueeze(2))
