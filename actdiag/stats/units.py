"""Moments of one tensor per unit and of its samples' means, in one walk.

Looking for NaN and Inf costs as much as all the rest, so on the CPU it is done only where a sum
isn't finite; elsewhere always, since asking would stop the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from actdiag.stats import native
from actdiag.stats.careful import careful_moments
from actdiag.stats.clean import Clean, clean_sums
from actdiag.stats.layout import POSITIONS, columns
from actdiag.stats.moments import Measured
from actdiag.stats.sums import OF_SAMPLES, means_of, table_of

if TYPE_CHECKING:
    from actdiag.stats.layout import View


def measure(view: View) -> Measured:
    """Moments of every unit of a view, which must not be empty, and of the means of its samples."""
    found = native.measure(view)
    if found is not None:
        return found
    clean = measure_clean(view)
    return measure_with_care(view) if clean is None else measured(view, clean)


def measure_clean(view: View, *, signed: bool = False) -> Clean | None:
    """Sums of a view on the CPU without NaN and Inf; null for others.

    ``signed`` says that negative values are to be expected.
    """
    if not view.values.is_cpu:
        return None
    return clean_sums(view.values, spans=spans(view), signed=signed)


def measured(view: View, clean: Clean) -> Measured:
    """Moments from the sums of a view."""
    table = table_of([clean.sums])
    if not view.by_sample:
        return Measured(table, None)
    if clean.of_samples is None:
        return Measured(table, table[OF_SAMPLES])
    positions = clean.sums.many // len(clean.of_samples)
    return Measured(table, means_of(clean.of_samples, positions, clean.sums.shift))


def measure_with_care(view: View) -> Measured:
    """Moments of the finite values of a view on any device."""
    found = _side_by_side(
        [careful_moments(part, spans=spans(view)) for part in columns(view.values)]
    )
    if view.by_sample and found.samples is None:
        means = torch.stack([found.table[row] for row in OF_SAMPLES])
        return Measured(found.table, means, found.nan)
    return found


def spans(view: View) -> bool:
    """Whether samples have more than one value per unit; a single one is its own mean."""
    return view.by_sample and view.values.ndim > POSITIONS


def _side_by_side(parts: list[Measured]) -> Measured:
    if len(parts) == 1:
        return parts[0]
    samples = [part.samples for part in parts if part.samples is not None]
    return Measured(
        table=torch.cat([part.table for part in parts], dim=1),
        samples=torch.cat(samples, dim=1) if samples else None,
        nan=sum(part.nan for part in parts),
    )
