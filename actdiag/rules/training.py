"""Whether the weights look trained, or as an initialiser left them."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from actdiag.rules import harm

if TYPE_CHECKING:
    from actdiag.records import Scan, WeightStats

DRAWN = 256
OFF_CENTRE = 6.0
STILL_CENTRED = 4.0
SET_BY_RULE = frozenset({"linear", "conv", "norm"})
BEYOND = 1.5


class Age(Enum):
    """What the weights tell."""

    FRESH = "fresh"
    TRAINED = "trained"
    UNKNOWN = "unknown"


def age(scan: Scan) -> Age:
    """Judge by the checkpoint's step, by norms and biases that have moved, then by the weights.

    An initialiser sets a norm's factors and shifts to one value each, and a layer's biases to one
    value or evenly within ±1/√fan_in (PyTorch's default): biases beyond both that and the spread of
    their layer's weights were trained (a learning rate far too high moves both alike, weights drawn
    far too large keep small biases). It draws weights from a distribution centred on 0 with light
    tails: the mean of n weights lies within a few std/√n of 0, and the largest within √(2 ln 2n)
    std (the expected maximum of n normal values). Weights that break either were trained; weights
    that keep both everywhere look fresh.
    """
    if harm.works(scan) or any(scan.model.training.get(key) for key in ("step", "epoch")):
        return Age.TRAINED
    layers = {one.module: one for one in scan.weights if one.kind in SET_BY_RULE}
    if any(_has_moved(one, layers.get(one.module)) for one in scan.weights):
        return Age.TRAINED
    verdicts = [verdict for weight in scan.weights if (verdict := _age_of(weight)) is not None]
    if Age.TRAINED in verdicts:
        return Age.TRAINED
    return Age.FRESH if verdicts else Age.UNKNOWN


def _has_moved(parameter: WeightStats, layer: WeightStats | None) -> bool:
    """Whether a norm's parameter or a layer's bias is none that an initialiser sets."""
    low, high = parameter.min, parameter.max
    own = layer is not None and parameter.kind in ("bias", "norm")
    if not own or layer is None or low is None or high is None or low == high:
        return False
    if layer.kind == "norm":
        return True
    bound = max(BEYOND / math.sqrt(layer.fan_in or 1), layer.std or 0.0)
    return max(-low, high) > bound


def _age_of(weight: WeightStats) -> Age | None:
    if weight.name.endswith("running_mean"):
        return Age.FRESH if weight.min == weight.max == 0 else Age.TRAINED
    if len(weight.shape) < 2 or weight.elements < DRAWN or not weight.std or weight.mean is None:  # noqa: PLR2004
        return None
    off_centre = abs(weight.mean) / (weight.std / math.sqrt(weight.elements))
    peak = max(abs(weight.min or 0), abs(weight.max or 0)) / weight.std
    light = math.sqrt(2 * math.log(2 * weight.elements)) + 1.5
    if off_centre > OFF_CENTRE or peak > 2 * light:
        return Age.TRAINED
    return Age.FRESH if off_centre < STILL_CENTRED and peak < light else None
