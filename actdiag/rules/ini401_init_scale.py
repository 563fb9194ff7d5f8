"""Weights far too small or far too large for the activation that they feed.

## What it sees
The standard deviation of each weight matrix over the one that keeps a signal's scale: He's
√(2/fan_in) where ReLU and its kin follow, Xavier's √(2/(fan_in + fan_out)) before tanh, sigmoid,
an output or recurrent gates. A weight is wrong only if it is wrong by both.

## Why it matters
Each layer multiplies the signal, and the gradient, by about this ratio: ten layers at a tenth
leave 1e-10 of it, ten layers at ten times make 1e10 of it. Neither trains.

## How to tell it from a healthy look-alike
Trained weights drift, so for them the finding says "scale", is a warning at most, and where labels
show that the model works only worth knowing. Embeddings and norm parameters have other scales. A
layer whose output is normalised may have any. Layers that end in a sum or feed a sine (SIREN) are
scaled down on purpose and not judged, nor are matrices of fewer than 64 weights. Where of an
untrained model the last layer alone is small, as a Hugging Face head of N(0, 0.02) at a width of 32
is, the answers merely begin alike, and its own gradient does not pass through it: not judged.

## What to do
Initialise with ``torch.nn.init.kaiming_normal_`` (ReLU, GELU, SiLU) or ``xavier_normal_`` (tanh,
sigmoid), or leave PyTorch's default in place.

## Source
He et al. 2015; Glorot and Bengio 2010. The factors are our choice: PyTorch's own defaults lie
between 0.3 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Place, Rule, Threshold
from actdiag.rules.scheme import Layer, layers
from actdiag.rules.training import Age, age
from actdiag.rules.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterator

INITIALISER = {"he": "torch.nn.init.kaiming_normal_", "xavier": "torch.nn.init.xavier_normal_"}
TITLE = {"he": "He", "xavier": "Xavier"}


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """Every weight matrix whose scale is far off."""
    trained = age(scan)
    off = [
        (layer, ratio)
        for layer in layers(scan)
        if (ratio := layer.ratio) is not None
        if layer.weight.elements >= limits["min_elements"]
        if not limits["low"] <= ratio <= limits["high"]
    ]
    if len(off) == 1 and trained is not Age.TRAINED and _is_small_head(*off[0]):
        return
    for layer, ratio in off:
        yield _finding(layer, ratio, scan, trained, limits)


def _is_small_head(layer: Layer, ratio: float) -> bool:
    return ratio < 1 and layer.site is not None and layer.site.is_final


def _finding(layer: Layer, ratio: float, scan: Scan, trained: Age, limits: Limits) -> Finding:
    weight = layer.weight
    word = "scale" if trained is Age.TRAINED else "initialisation"
    size = "large" if ratio > 1 else "small"
    factor = ratio if ratio > 1 else 1 / ratio
    far = ratio < limits["very_low"] or ratio > limits["very_high"]
    severity = Severity.ERROR if far else Severity.WARNING
    if trained is Age.TRAINED and not harm.fails(scan):
        severity = Severity.INFO if harm.works(scan) else Severity.WARNING
    return RULE.finding(
        severity,
        Place(weight.name, weight.module, layer.site.source if layer.site else weight.source),
        f"The {word} of '{weight.name}' is {number(factor)} times too {size}: std "
        f"{number(weight.std or 0.0)}, where {TITLE[layer.scheme]}'s scheme for {layer.follower} "
        f"wants {number(wanted(layer))} (fan in {weight.fan_in:,}, fan out {weight.fan_out:,}).",
        remedy=_remedy(layer, trained, ratio),
        measured={
            "ratio": ratio,
            "std": weight.std,
            "he_ratio": weight.he_ratio,
            "xavier_ratio": weight.xavier_ratio,
            "scheme": layer.scheme,
            "fan_in": weight.fan_in,
            "fan_out": weight.fan_out,
            "trained": trained.value,
            "elements": weight.elements,
        },
        threshold={name: limits[name] for name in ("low", "high", "very_low", "very_high")},
        confidence=Confidence.HIGH if layer.site is not None else Confidence.MEDIUM,
    )


def _remedy(layer: Layer, trained: Age, ratio: float) -> str:
    if trained is Age.TRAINED and ratio > 1:
        return "Train again from fresh weights with a lower learning rate, or with weight decay."
    if trained is Age.TRAINED:
        return "Train again with less weight decay: it has taken the weights away."
    return f"Initialise it with {INITIALISER[layer.scheme]}, or keep PyTorch's default."


def wanted(layer: Layer) -> float:
    """The scheme's standard deviation."""
    weight = layer.weight
    own = weight.he_ratio if layer.scheme == "he" else weight.xavier_ratio
    return (weight.std or 0.0) / own if own else 0.0


RULE = Rule(
    code="INI401",
    name="init-scale",
    needs=("weights",),
    thresholds=(
        Threshold("low", 0.1, "our choice: PyTorch's defaults lie between 0.3 and 1"),
        Threshold("high", 10, "our choice: N(0, 1) at fan-in 200 and more"),
        Threshold("very_low", 0.01, "our choice: five such layers leave 1e-10 of a signal"),
        Threshold("very_high", 100, "our choice: five such layers make 1e10 of a signal"),
        Threshold("min_elements", 64, "our choice: the std is known to ±9 %"),
    ),
    check=check,
    data_free=True,
)
