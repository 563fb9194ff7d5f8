"""A gradient that grows on its way back, or that is not finite.

## What it sees
From a backward pass over a few hundred samples: gradients of weights that hold NaN or infinity;
an rms at the first layer more than 70 times that at the last; or a norm of the whole gradient
above 1000.

## Why it matters
One step along such a gradient throws the weights far away. A NaN in it makes every weight NaN.

## How to tell it from a healthy look-alike
Networks that work trip both limits, so that alone is only worth knowing: first layers see large
inputs, and the norm grows with the number of weights. It is a warning where labels show that the
model doesn't work or activations explode as well, and an error where the gradient is not finite.

## What to do
Clip the gradient's norm (torch.nn.utils.clip_grad_norm_), lower the learning rate, normalise the
inputs, initialise by He or Xavier.

## Source
Ratio of 70: AUTOTRAINER (Zhang et al. 2021), beta 3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, WeightStats
from actdiag.rules import act107_exploding_activations as act107
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.gradients import basis, layers, rms
from actdiag.rules.wording import count, listed, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Clip the gradient's norm, lower the learning rate, and bring the inputs and the "
    "initialisation to an ordinary scale."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding: not finite, or growing, or large."""
    known = [weight for weight in scan.weights if weight.gradient is not None]
    broken = [weight for weight in known if weight.gradient and weight.gradient.nonfinite]
    if broken:
        yield _not_finite(broken, len(known), scan)
        return
    found = layers(scan)
    norm = math.sqrt(sum(_squares(weight) for weight in known))
    ratio = rms(found[0]) / rms(found[-1]) if len(found) > 1 and rms(found[-1]) else 0.0
    if ratio <= limits["ratio"] and norm <= limits["norm"]:
        return
    yield RULE.finding(
        Severity.WARNING if _harms(scan) else Severity.INFO,
        None,
        _message(found, ratio, norm, scan, limits),
        remedy=REMEDY,
        measured={"ratio": ratio, "norm": norm, "nonfinite": 0},
        threshold=dict(limits),
    )


def _squares(weight: WeightStats) -> float:
    return rms(weight) ** 2 * weight.gradient.elements if weight.gradient is not None else 0.0


def _harms(scan: Scan) -> bool:
    """Whether labels show that the model fails, or activations explode too and nothing works."""
    if harm.fails(scan):
        return True
    return not harm.works(scan) and any(True for _ in act107.check(scan, act107.RULE.limits()))


def _message(
    found: list[WeightStats], ratio: float, norm: float, scan: Scan, limits: Limits
) -> str:
    if ratio > limits["ratio"]:
        return (
            f"The gradient grows ×{number(ratio)} on its way back: rms {number(rms(found[-1]))} at "
            f"the last layer ('{found[-1].name}'), {number(rms(found[0]))} at the first "
            f"('{found[0].name}'), {basis(scan)}."
        )
    return f"The gradient of the mean loss has a norm of {number(norm)}, {basis(scan)}."


def _not_finite(broken: list[WeightStats], total: int, scan: Scan) -> Finding:
    amount = sum(weight.gradient.nonfinite for weight in broken if weight.gradient is not None)
    return RULE.finding(
        Severity.WARNING if harm.works(scan) else Severity.ERROR,
        None,
        f"The gradient is NaN or infinite at {count(len(broken), 'parameter')} of {total}: "
        f"{listed([weight.name for weight in broken])}, {basis(scan)}.",
        remedy="Find the operation that makes the NaN (ACT109), and lower the learning rate.",
        measured={
            "nonfinite": amount,
            "parameters": [weight.name for weight in broken],
        },
    )


RULE = Rule(
    code="GRD502",
    name="exploding-gradient",
    needs=("gradients",),
    thresholds=(
        Threshold("ratio", 70, "AUTOTRAINER's beta 3: first over last layer"),
        Threshold("norm", 1e3, "our choice: a thousand times the norm people clip to, which is 1"),
    ),
    check=check,
    follows=("DAT701", "DAT703", "INI401", "INI403", "ACT107", "ACT109"),
)
