"""Wrong answers, given with confidence.

## What it sees
The share of labelled answers that are wrong with a confidence of at least 0.9, and the worst of
them by sample number.

## Why it matters
These are the mistakes that no threshold on confidence catches.

## How to tell it from a healthy look-alike
A model that is wrong while unsure is honest. A few confident mistakes are mislabelled samples: it
takes one in twenty answers, and at least five of them. A temperature mends over-confidence but
not the mistakes.

## What to do
Look at the samples listed: wrong labels, or a kind that training lacked. Then regularise: dropout
before the final layer, label smoothing, weight decay; and check for leakage between training and
evaluation data, which hides over-fitting.

## Source
The symptom "very confident but wrong" of the project's knowledge. The shares are our choice: a
classifier calibrated at 0.9 and above is wrong in fewer than one of ten such answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.units import graded
from actdiag.rules.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Look at the samples listed, then regularise: dropout before the final layer, label smoothing."
)
WORST = 10


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if too many answers are wrong with confidence."""
    output = scan.output
    if output is None or output.confident_wrong is None:
        return
    wrong = round(output.confident_wrong * output.predictions)
    severity = graded(output.confident_wrong, limits, "error", "warning")
    if severity is None or wrong < limits["at_least"]:
        return
    worst = output.worst[:WORST]
    yield RULE.finding(
        Severity(severity),
        final_site(scan),
        _message(output, wrong),
        remedy=REMEDY,
        measured={
            "confident_wrong": output.confident_wrong,
            "wrong": wrong,
            "predictions": output.predictions,
            "accuracy": output.accuracy,
            "worst_samples": [mistake.sample for mistake in worst],
            "worst_labels": [mistake.label for mistake in worst],
            "worst_predicted": [mistake.predicted for mistake in worst],
            "worst_confidences": [mistake.confidence for mistake in worst],
        },
        threshold=dict(limits),
    )


def _message(output: OutputStats, wrong: int) -> str:
    text = (
        f"{wrong:,} of {output.predictions:,} answers ({percent(output.confident_wrong)}) are "
        "wrong with a confidence of at least 90 %."
    )
    if output.worst:
        first = output.worst[0]
        text += (
            f" The worst: sample {first.sample:,} is {first.label}, answered {first.predicted} "
            f"with {percent(first.confidence)}."
        )
    return text


RULE = Rule(
    code="OUT203",
    name="confident-wrong",
    needs=("output", "classifier", "labels"),
    thresholds=(
        Threshold("error", 0.2, "our choice: one answer in five misleads with confidence"),
        Threshold("warning", 0.05, "our choice: calibrated classifiers on digits show under 1 %"),
        Threshold("at_least", 5, "our choice: fewer may be mislabelled samples"),
    ),
    check=check,
    follows=("DAT707", "ACT107", "OUT211"),
)
