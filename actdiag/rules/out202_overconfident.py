"""Confidence that the accuracy does not deserve.

## What it sees
A classifier whose mean confidence (largest probability) exceeds its accuracy by more than 0.10,
or whose expected calibration error over 15 equal-width bins exceeds 0.10 while it is more
confident than accurate. Where a temperature was fitted, the finding says how far it helps: fitted
on one half of the data, judged on the other.

## Why it matters
Whoever reads the probability as a probability decides wrongly: of answers given with 95 % far
fewer are right.

## How to tell it from a healthy look-alike
Networks trained with cross-entropy are 4 to 10 % over-confident as a rule; that is below the
limit. On few labels the gap is noise: it must exceed three standard errors of the accuracy.
Too little confidence (label smoothing, strong dropout) is not this.

## What to do
Divide the logits by the fitted temperature at inference. In training: label smoothing, dropout,
weight decay, fewer epochs, more data.

## Source
Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Divide the logits by the fitted temperature; in training, use label smoothing or dropout."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if confidence exceeds accuracy by too much."""
    output = scan.output
    if output is None or output.accuracy is None or output.mean_confidence is None:
        return
    gap = output.mean_confidence - output.accuracy
    noise = math.sqrt(max(output.accuracy * (1 - output.accuracy), 1e-4) / output.predictions)
    too_wide = gap > limits["gap"]
    too_far = gap > 0 and output.ece is not None and output.ece > limits["ece"]
    if not (too_wide or too_far) or gap <= limits["standard_errors"] * noise:
        return
    temperature = output.temperature
    yield RULE.finding(
        Severity.WARNING,
        final_site(scan),
        _message(output),
        remedy=REMEDY,
        measured={
            "mean_confidence": output.mean_confidence,
            "accuracy": output.accuracy,
            "gap": gap,
            "ece": output.ece,
            "predictions": output.predictions,
            "temperature": temperature.temperature if temperature else None,
            "ece_after": temperature.ece_after if temperature else None,
        },
        threshold=dict(limits),
    )


def _message(output: OutputStats) -> str:
    text = (
        f"The model is {output.mean_confidence:.0%} sure on average and right on "
        f"{output.accuracy:.0%} of {count(output.predictions, 'labelled answer')}"
    )
    text += f" (calibration error {output.ece:.2f})." if output.ece is not None else "."
    fit = output.temperature
    if fit is not None and fit.ece_after < fit.ece_before:
        text += (
            f" Dividing the logits by {fit.temperature:.2f} brings the calibration error on the "
            f"held-back half from {fit.ece_before:.2f} to {fit.ece_after:.2f}."
        )
    return text


RULE = Rule(
    code="OUT202",
    name="overconfident",
    needs=("output", "classifier", "labels"),
    thresholds=(
        Threshold("gap", 0.10, "Guo et al. 2017: uncalibrated networks show 0.04 to 0.10"),
        Threshold("ece", 0.10, "Guo et al. 2017: uncalibrated networks show 0.04 to 0.10"),
        Threshold("standard_errors", 3, "our choice: three standard errors are hardly ever chance"),
    ),
    check=check,
    follows=("ACT107",),
)
