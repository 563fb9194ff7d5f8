"""What numpy says of the same values, all at once, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def by_unit(array, unit_axis):
    """The array as ``(units, values)`` in float64."""
    wide = np.abs(array).astype(np.float64) if np.iscomplexobj(array) else array.astype(np.float64)
    if unit_axis is None:
        return wide.reshape(1, -1)
    return np.moveaxis(wide, unit_axis, 0).reshape(wide.shape[unit_axis], -1)


def unit_numbers(array, unit_axis):
    """The numbers of UnitStats by name, from finite values; None where there are none.

    Extended precision: in double, numpy's own sum of 31 equal numbers gives a std that isn't 0.
    """
    rows = by_unit(array, unit_axis)
    finite = np.isfinite(rows)
    numbers = {
        "count": [row.size for row in rows],
        "nonfinite": [int((~keep).sum()) for keep in finite],
        "zeros": [int((row[keep] == 0).sum()) for row, keep in zip(rows, finite, strict=True)],
        "positive": [int((row[keep] > 0).sum()) for row, keep in zip(rows, finite, strict=True)],
    }
    functions: dict[str, Callable[..., Any]] = {
        "mean": np.mean,
        "std": np.std,
        "min": np.min,
        "max": np.max,
        "mean_abs": lambda values: np.mean(np.abs(values)),
    }
    for name, function in functions.items():
        numbers[name] = [
            float(function(row[keep].astype(np.longdouble))) if keep.any() else None
            for row, keep in zip(rows, finite, strict=True)
        ]
    return numbers


def between_sample(array, unit_axis, sample_axis):
    """Between-sample share of the variance, for finite values; the offset would cost digits."""
    wide = np.moveaxis(array.astype(np.float64), (sample_axis, unit_axis), (0, 1))
    wide = wide - wide.flat[0]
    means = wide.reshape(*wide.shape[:2], -1).mean(2)
    return means.var(0).mean() / wide.var()


def close(found, wanted, scale=0.0):
    """Equal to nine digits, or to rounding of the ``scale`` that cancelled."""
    if wanted is None or found is None:
        return found is wanted
    return abs(found - wanted) <= 1e-9 * abs(wanted) + 4e-16 * scale
