"""Moments of one tensor per unit and of its samples' means, in one walk.

Looking for NaN and Inf costs as much as all the rest, so on the CPU it is done only where a sum
isn't finite; elsewhere always, since asking would stop the device.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from actdiag.stats import native
from actdiag.stats.careful import careful_moments
from actdiag.stats.clean import clean_moments
from actdiag.stats.layout import POSITIONS, columns
from actdiag.stats.moments import Measured, Row

if TYPE_CHECKING:
    from actdiag.stats.layout import View


def measure(view: View) -> Measured:
    """Moments of every unit of a view, which must not be empty, and of the means of its samples."""
    found = native.measure(view)
    if found is not None:
        return found
    spans = view.by_sample and view.values.ndim > POSITIONS
    parts = columns(view.values)
    if view.values.device.type == "cpu":
        found = _side_by_side([clean_moments(part, spans=spans) for part in parts])
        if not math.isfinite(found.table[Row.MEAN].sum().item()):
            found = _side_by_side([careful_moments(part, spans=spans) for part in parts])
    else:
        found = _side_by_side([careful_moments(part, spans=spans) for part in parts])
    if view.by_sample and not spans:  # one value per sample and unit is its own mean
        return Measured(
            found.table, found.table[[Row.COUNT, Row.MEAN, Row.REST, Row.SQUARES]], found.nan
        )
    return found


def _side_by_side(parts: list[Measured]) -> Measured:
    if len(parts) == 1:
        return parts[0]
    samples = [part.samples for part in parts if part.samples is not None]
    return Measured(
        table=torch.cat([part.table for part in parts], dim=1),
        samples=torch.cat(samples, dim=1) if samples else None,
        nan=sum(part.nan for part in parts),
    )
