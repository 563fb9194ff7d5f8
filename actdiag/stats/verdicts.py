"""How many units of a layer are dead, constant, dormant, always on or saturated (RULES.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from actdiag.stats.moments import Row, spread
from actdiag.stats.regions import InputRow

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.functions.row import ActivationFunction
    from actdiag.stats.regions import InputTotals

# Relative to the mean (ACT105): about ten roundings of float32. Our choice.
CONSTANT_SPREAD = 1e-6
# Share of the layer's mean size (ACT102): Sokar et al. 2023, "The Dormant Neuron Phenomenon".
DORMANT_SHARE = 0.025
# Share of a unit's inputs that lie in the saturated regions (ACT103). Our choice.
SATURATED_SHARE = 0.9


def unit_verdicts(
    table: Tensor, inputs: InputTotals | None, function: ActivationFunction | None
) -> dict[str, Any]:
    """Counts of units by the names of :class:`actdiag.records.SiteStats`; null: doesn't apply."""
    whole = (table[Row.COUNT] > 0) & (table[Row.NONFINITE] == 0)
    clips = function is not None and function.clips_at_zero
    silent = table[Row.ZEROS] == table[Row.COUNT]
    dead = table[Row.HIGH] <= 0 if clips else silent
    return {
        "dead_units": None if function is None else _number(whole & dead),
        "constant_units": _number(whole & _constant(table) & ~silent),
        "dormant_units": _dormant(table),
        "always_on_units": _number(whole & (table[Row.LOW] > 0)) if clips else None,
        "saturated_units": _saturated(inputs),
    }


def _number(chosen: Tensor) -> int:
    return int(chosen.sum())


def _constant(table: Tensor) -> Tensor:
    """Units whose values differ by no more than rounding; a single value shows nothing."""
    size = table[Row.MEAN].abs().clamp(min=torch.finfo(torch.float64).tiny)
    return (table[Row.COUNT] > 1) & (spread(table) <= CONSTANT_SPREAD * size)


def _dormant(table: Tensor) -> int | None:
    seen = table[Row.COUNT] > 0
    if not seen.any():
        return None
    sizes = table[Row.ABSOLUTE][seen] / table[Row.COUNT][seen]
    return _number(sizes <= DORMANT_SHARE * sizes.mean())


def _saturated(inputs: InputTotals | None) -> int | None:
    if inputs is None or not inputs.saturates or not inputs.by_unit:
        return None
    saturated = inputs.table[InputRow.BELOW] + inputs.table[InputRow.ABOVE]
    return _number(saturated >= SATURATED_SHARE * inputs.table[InputRow.COUNT])
