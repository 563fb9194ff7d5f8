"""Confidence that the accuracy does not deserve.

## What it sees
A classifier whose mean confidence (largest probability) exceeds its accuracy by more than 0.10,
or whose expected calibration error over 15 equal-width bins exceeds 0.10 while it is more
confident than accurate. Where a temperature was fitted, the finding says how far it helps: fitted
on one half of the data, judged on the other; or, where the fit makes all answers alike, that they
say nothing of these labels.

## Why it matters
Whoever reads the probability as a probability decides wrongly: of answers given with 95 % far
fewer are right.

## How to tell it from a healthy look-alike
Networks trained with cross-entropy are 4 to 10 % over-confident as a rule; that is below the
limit. On few labels the gap is noise: it must exceed three standard errors of the accuracy, and on
fewer than 30 nothing is claimed.
Too little confidence (label smoothing, strong dropout) is not this.

## What to do
Divide the logits by the fitted temperature at inference. In training: label smoothing, dropout,
weight decay, fewer epochs, more data. Where no temperature fits, see first whether the labels
belong to these samples.

## Source
Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.wording import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Divide the logits by the fitted temperature; in training, use label smoothing or dropout."
WITHOUT_FIT = "Train with label smoothing or dropout, and fit a temperature on held-out data."
OTHER_LABELS = (
    "Check first that the labels belong to these samples: their order, and how they are encoded."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if confidence exceeds accuracy by too much."""
    output = scan.output
    if output is None or output.accuracy is None or output.mean_confidence is None:
        return
    if output.predictions < harm.MIN_ANSWERS:
        return
    gap = output.mean_confidence - output.accuracy
    noise = math.sqrt(max(output.accuracy * (1 - output.accuracy), 1e-4) / output.predictions)
    too_wide = gap > limits["gap"]
    too_far = gap > 0 and output.ece is not None and output.ece > limits["ece"]
    if not (too_wide or too_far) or gap <= limits["standard_errors"] * noise:
        return
    temperature = output.temperature
    told = temperature is None or temperature.temperature < limits["no_information"]
    yield RULE.finding(
        Severity.WARNING,
        final_site(scan),
        _message(output, told=told),
        remedy=OTHER_LABELS if not told else WITHOUT_FIT if temperature is None else REMEDY,
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


def _message(output: OutputStats, *, told: bool) -> str:
    text = (
        f"The model is {percent(output.mean_confidence)} sure on average and right on "
        f"{percent(output.accuracy)} of {count(output.predictions, 'labelled answer')}"
    )
    text += f" (calibration error {output.ece:.2f})." if output.ece is not None else "."
    fit = output.temperature
    if not told:
        text += (
            " No temperature mends that: the labels are fitted best when all answers are made "
            "alike, so the answers carry no information about these labels."
        )
    elif fit is not None and fit.ece_after < fit.ece_before:
        text += (
            f" Dividing the logits by {number(fit.temperature)} brings the calibration error on "
            f"the held-back half from {fit.ece_before:.2f} to {fit.ece_after:.2f}."
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
        Threshold("no_information", 1e6, "our choice: logits divided by that are all alike"),
    ),
    check=check,
    follows=("DAT707", "ACT107", "OUT211"),
)
