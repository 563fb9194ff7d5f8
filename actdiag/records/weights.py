"""What was read off the weights."""

from __future__ import annotations

from dataclasses import dataclass

from actdiag.records.passes import UpdateStats
from actdiag.records.sites import GradientStats


@dataclass(frozen=True, slots=True)
class WeightStats:
    """One parameter or floating-point buffer. Ratios are of the measured std to the scheme's std.

    ``he_ratio`` is std / sqrt(2 / fan_in) (He et al. 2015), ``xavier_ratio`` is
    std / sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010); null where no fan is defined.
    ``identical_rows`` counts rows (slices along the output axis) that equal an earlier row.
    ``gradient`` is known of trainable parameters after a backward pass, ``update`` where the
    checkpoint holds the optimizer's state.
    """

    name: str
    module: str
    kind: str
    shape: tuple[int, ...]
    elements: int
    trainable: bool
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    rms: float | None
    nonfinite: int
    fan_in: int | None = None
    fan_out: int | None = None
    he_ratio: float | None = None
    xavier_ratio: float | None = None
    identical_rows: int | None = None
    source: str | None = None
    gradient: GradientStats | None = None
    update: UpdateStats | None = None
