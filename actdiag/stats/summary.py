"""From what a site has accumulated to its records of plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from actdiag.records import SiteStats, UnitStats
from actdiag.stats.moments import Row, pooled, spread
from actdiag.stats.regions import InputRow
from actdiag.stats.verdicts import unit_verdicts

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.quantiles import Buckets
    from actdiag.stats.regions import InputTotals


@dataclass(frozen=True, slots=True)
class Totals:
    """What a site has accumulated; the tensors are on the CPU.

    ``table`` has the rows of :class:`Row`, ``samples`` the rows count, mean, rest and squared
    distances of the samples' means.
    """

    table: Tensor
    samples: Tensor | None
    by_unit: bool
    nan: int
    buckets: Buckets | None
    inputs: InputTotals | None
    function: ActivationFunction | None


def summarise(totals: Totals) -> tuple[SiteStats, UnitStats | None]:
    """The record of the layer and that of its units; the latter null where units are not known."""
    stats = _layer(totals)
    inputs = totals.inputs
    if inputs is not None:
        stats = replace(stats, **_of_inputs(inputs), mean_slope=_mean_slope(totals))
    if not totals.by_unit:
        return stats, None
    verdicts = unit_verdicts(totals.table, inputs, totals.function)
    return replace(stats, **verdicts), _units(totals.table, inputs)


def _layer(totals: Totals) -> SiteStats:
    table = totals.table
    whole = pooled(table)
    layer = whole[:, 0].tolist()
    seen, nonfinite = int(layer[Row.COUNT]), int(layer[Row.NONFINITE])
    stats = SiteStats(
        elements=seen + nonfinite,
        observations=int((table[Row.COUNT] + table[Row.NONFINITE]).max()),
        zero_fraction=share(layer[Row.ZEROS], seen + nonfinite),
        nonfinite=nonfinite,
        nan=totals.nan,
    )
    if not seen or totals.buckets is None:
        return stats
    mean, std = layer[Row.MEAN], spread(whole).item()
    return replace(
        stats,
        mean=finite(mean),
        std=finite(std),
        rms=finite(math.hypot(mean, std)),
        min=layer[Row.LOW],
        max=layer[Row.HIGH],
        quantiles=totals.buckets.quantiles(layer[Row.LOW], layer[Row.HIGH]),
        between_sample=_between_sample(totals.samples, layer),
    )


def _between_sample(samples: Tensor | None, layer: list[float]) -> float | None:
    """Squared distances of the samples' means, each weighted by its values, over those of all.

    Lies in [0, 1] as the explained part of an analysis of variance does; null with one sample.
    """
    if samples is None or samples[0].max() <= 1:
        return None
    if layer[Row.LOW] == layer[Row.HIGH]:
        return 0.0
    variance = (samples[3] / samples[0].clamp(min=1)).mean().item()
    total = layer[Row.SQUARES] / layer[Row.COUNT]
    return finite(min(variance / total, 1.0)) if total > 0 else None


def _of_inputs(inputs: InputTotals) -> dict[str, Any]:
    totals = inputs.table.sum(1).tolist()
    seen = totals[InputRow.COUNT]
    saturated = share(totals[InputRow.BELOW] + totals[InputRow.ABOVE], seen)
    return {
        "input_nonfinite": int(totals[InputRow.NONFINITE]),
        "saturated_fraction": saturated if inputs.saturates else None,
        "linear_fraction": share(totals[InputRow.LINEAR], seen) if inputs.has_linear else None,
    }


def _mean_slope(totals: Totals) -> float | None:
    """The measured mean, or of a ReLU the share of positive values, which is the same."""
    if totals.inputs is None:
        return None
    if totals.inputs.is_relu:
        positive, seen = totals.table[Row.POSITIVE].sum(), totals.table[Row.COUNT].sum()
        return share(positive.item(), seen.item())
    total, count = totals.inputs.slopes.tolist()
    return finite(total / count) if count else None


def _units(table: Tensor, inputs: InputTotals | None) -> UnitStats:
    seen = table[Row.COUNT] > 0
    mean_abs = table[Row.ABSOLUTE] / table[Row.COUNT].clamp(min=1)
    known = [numbers(values, seen) for values in (table[Row.MEAN], spread(table), mean_abs)]
    stats = UnitStats(
        count=counts(table[Row.COUNT] + table[Row.NONFINITE]),
        mean=known[0],
        std=known[1],
        mean_abs=known[2],
        min=numbers(table[Row.LOW], seen),
        max=numbers(table[Row.HIGH], seen),
        zeros=counts(table[Row.ZEROS]),
        positive=counts(table[Row.POSITIVE]),
        nonfinite=counts(table[Row.NONFINITE]),
    )
    if inputs is None or inputs.table.shape != (len(InputRow), table.shape[1]):
        return stats
    rows = inputs.table
    some = rows[InputRow.COUNT] > rows[InputRow.NONFINITE]
    return replace(
        stats,
        saturated_low=counts(rows[InputRow.BELOW]) if inputs.saturates else (),
        saturated_high=counts(rows[InputRow.ABOVE]) if inputs.saturates else (),
        linear=counts(rows[InputRow.LINEAR]) if inputs.has_linear else (),
        input_min=numbers(rows[InputRow.LOW], some),
        input_max=numbers(rows[InputRow.HIGH], some),
    )


def finite(value: float) -> float | None:
    """The value, or null where it is no finite number."""
    return value if math.isfinite(value) else None


def share(part: float, whole: float) -> float | None:
    """A fraction, or null of nothing."""
    return part / whole if whole else None


def counts(values: Tensor) -> tuple[int, ...]:
    """Counts held in float64 as integers."""
    return tuple(int(value) for value in values.tolist())


def numbers(values: Tensor, known: Tensor) -> tuple[float | None, ...]:
    """Numbers, null where not known or not finite."""
    pairs = zip(values.tolist(), known.tolist(), strict=True)
    return tuple(finite(value) if is_known else None for value, is_known in pairs)
