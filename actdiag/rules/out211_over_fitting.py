"""Much better on the data it was trained on than on other data.

## What it sees
With the training data beside the data of the scan: an accuracy in training more than 0.10 above
that here, or a negative log-likelihood here more than twice that in training. Of a regression: a
share of the targets' variance left unexplained (1 − R²) that is more than twice that in training.

## Why it matters
What the model learnt by heart does not help with new samples, and its confidence on them is
that of a model that knows the answers.

## How to tell it from a healthy look-alike
On few samples a gap is noise: it must exceed three standard errors of both accuracies. Networks
that have learnt their training data to the last sample have a likelihood there that no held-out
data reaches: the ratio without the gap is worth knowing only, and only where the difference exceeds
a tenth of a nat. A regression whose R² here shows that it works may do still better in training:
that is worth knowing only. A higher accuracy here than in training is none of it.

## What to do
Regularise (dropout, weight decay, augmentation), stop earlier, or get more data.

## Source
Gap of a tenth: Amazon SageMaker Debugger's overfit. The ratio of 2 is our choice, for a regression
too: of the calibration's, those that work leave 0.8 to 2.1 times as much unexplained, those trained
on 40 samples 158 times as much and more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity, TrainingData
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.wording import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Regularise (dropout, weight decay, augmentation), stop earlier, or get more data."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, of the whole model."""
    here, train = scan.output, scan.training_data
    if here is None or train is None:
        return
    if here.r2 is not None and train.r2 is not None:
        yield from _of_regression(scan, here.r2, train.r2, limits)
    if here.accuracy is None or train.accuracy is None:
        return
    gap = train.accuracy - here.accuracy
    wide = gap > limits["gap"] and gap > limits["standard_errors"] * _noise(here, train)
    ratio = _ratio(here, train, limits)
    if not wide and (ratio is None or ratio <= limits["nll_ratio"] or gap <= 0):
        return
    yield RULE.finding(
        Severity.WARNING if wide else Severity.INFO,
        None,
        _message(here, train),
        remedy=REMEDY,
        measured={
            "train_accuracy": train.accuracy,
            "accuracy": here.accuracy,
            "gap": gap,
            "train_nll": train.nll,
            "nll": here.nll,
            "nll_ratio": ratio,
            "train_samples": train.samples,
            "samples": here.predictions,
        },
        threshold=dict(limits),
    )


def _of_regression(scan: Scan, here: float, there: float, limits: Limits) -> Iterator[Finding]:
    """One finding, if much more is left unexplained here than in training."""
    train, output = scan.training_data, scan.output
    if train is None or output is None or output.predictions < harm.MIN_ANSWERS:
        return
    ratio = (1 - here) / max(1 - there, 1e-12)
    if ratio <= limits["error_ratio"] or there - here <= limits["gap"]:
        return
    yield RULE.finding(
        Severity.INFO if harm.works(scan) else Severity.WARNING,
        None,
        f"R² is {there:.2f} over {count(train.samples, 'training sample')}, and {here:.2f} over "
        f"{count(output.predictions, 'answer')} here.",
        remedy=REMEDY,
        measured={
            "train_r2": there,
            "r2": here,
            "error_ratio": ratio,
            "train_samples": train.samples,
            "samples": output.predictions,
        },
        threshold=dict(limits),
    )


def _noise(here: OutputStats, train: TrainingData) -> float:
    """Standard error of the difference of the two accuracies."""
    parts = ((here.accuracy, here.predictions), (train.accuracy, train.samples))
    return math.sqrt(sum(max(p * (1 - p), 1e-4) / max(n, 1) for p, n in parts if p is not None))


def _ratio(here: OutputStats, train: TrainingData, limits: Limits) -> float | None:
    if here.nll is None or train.nll is None or here.nll - train.nll <= limits["nats"]:
        return None
    return here.nll / max(train.nll, 1e-12)


def _message(here: OutputStats, train: TrainingData) -> str:
    text = (
        f"{percent(train.accuracy)} of {train.samples:,} training samples are answered right, and "
        f"{percent(here.accuracy)} of {here.predictions:,} here"
    )
    if here.nll is None or train.nll is None:
        return f"{text}."
    there, now = number(train.nll), number(here.nll)
    return f"{text}; the negative log-likelihood is {there} there, {now} here."


RULE = Rule(
    code="OUT211",
    name="over-fitting",
    needs=("labels", "training-data", "training-labels"),
    thresholds=(
        Threshold("gap", 0.1, "SageMaker Debugger's overfit: a gap of a tenth"),
        Threshold("nll_ratio", 2, "our choice: twice the loss on data not seen"),
        Threshold("error_ratio", 2, "our choice: twice the squared error on data not seen"),
        Threshold("nats", 0.1, "our choice: below, probabilities differ by less than a tenth"),
        Threshold("standard_errors", 3, "our choice: chance alone once in 700 times"),
    ),
    check=check,
    follows=("ARC606",),
)
