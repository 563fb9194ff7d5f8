"""The same answer whatever the input.

## What it sees
Outputs whose standard deviation between samples is less than a millionth of their scale, although
the inputs differ.

## Why it matters
Such a model has learned nothing about its input, or has forgotten it: the loss stays where a
constant puts it.

## How to tell it from a healthy look-alike
Feeding the same sample many times gives the same answer many times: the inputs are compared first.
A regression around a large value (the year 2000, give or take a few) varies by a thousandth and
more, far above the limit. Answers that differ but all pick one class are OUT205's matter.

## What to do
See which layer is the first that no longer depends on the input: dead ReLUs, an initialisation far
too small or large, saturated activations. Repair that, then train again.

## Source
The symptom "outputs all the same value" of the project's knowledge. A millionth: our choice, a few
roundings of float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.units import firing_bound
from actdiag.rules.wording import count, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Repair the first layer that no longer depends on the input, then train again."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if the output doesn't vary."""
    output = scan.output
    if output is None or output.between_sample_std is None or output.scale is None:
        return
    constant = output.between_sample_std <= limits["relative"] * output.scale
    if not constant:
        return
    answers = count(output.predictions, "answer")
    yield RULE.finding(
        Severity.ERROR,
        final_site(scan),
        f"All {answers} are the same although the inputs differ: between samples the output "
        f"varies by {number(output.between_sample_std)}, at a scale of {number(output.scale)}.",
        remedy=REMEDY,
        measured={
            "between_sample_std": output.between_sample_std,
            "scale": output.scale,
            "predictions": output.predictions,
            "other_values_below": firing_bound(scan.data.samples),
        },
        threshold={"relative": limits["relative"]},
    )


RULE = Rule(
    code="OUT201",
    name="constant-output",
    needs=("forward", "output", "samples"),
    thresholds=(
        Threshold("relative", 1e-6, "our choice: a few roundings of float32, which are 6e-8"),
    ),
    check=check,
    follows=(
        "ACT117",
        "DAT701",
        "INI401",
        "INI402",
        "INI404",
        "ACT101",
        "ACT103",
        "ACT106",
        "OUT209",
    ),
)
