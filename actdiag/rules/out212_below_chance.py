"""Right less often than a constant answer would be.

## What it sees
An accuracy below the share of the most frequent label, by more than three standard errors.

## Why it matters
Always answering the most frequent label would be better: the model has learned nothing, the labels
are numbered otherwise than the outputs, or it is fed otherwise than it was trained.

## How to tell it from a healthy look-alike
On few labels a small shortfall is chance, hence the standard errors. Where four in five labels are
the same, a model trained with balanced classes gives up accuracy on purpose to find the rare ones:
there it is only worth knowing.

## What to do
Compare the order of the labels with the order of the outputs, and the preparation of this data
with that of the training data. Then see the findings on layers.

## Source
Our choice: the constant answer is the weakest baseline there is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Check the order of the labels and that this data is prepared as the training data was."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if a constant answer would be better."""
    output = scan.output
    if output is None or output.accuracy is None or output.majority is None:
        return
    noise = math.sqrt(output.majority * (1 - output.majority) / output.predictions)
    if output.accuracy >= output.majority - limits["standard_errors"] * noise:
        return
    yield RULE.finding(
        Severity.INFO if output.majority >= limits["imbalanced"] else Severity.WARNING,
        final_site(scan),
        f"{output.accuracy:.0%} of {count(output.predictions, 'answer')} are right; always "
        f"answering the most frequent label would reach {output.majority:.0%}.",
        remedy=REMEDY,
        measured={
            "accuracy": output.accuracy,
            "majority": output.majority,
            "predictions": output.predictions,
        },
        threshold=dict(limits),
    )


RULE = Rule(
    code="OUT212",
    name="below-chance",
    needs=("output", "classifier", "labels"),
    thresholds=(
        Threshold("standard_errors", 3, "our choice: three standard errors are hardly ever chance"),
        Threshold("imbalanced", 0.8, "our choice: from there on balanced training costs accuracy"),
    ),
    check=check,
    follows=("OUT201", "OUT205", "ACT106", "ACT101", "ACT103", "ACT107", "INI401", "DAT701"),
)
