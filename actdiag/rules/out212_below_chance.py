"""Right hardly more often than a constant answer would be.

## What it sees
An accuracy below the share of the most frequent label, by more than three standard errors; and an
accuracy that makes up less than a tenth of what lies between that share and perfection, or an R² of
0.05 and less, where the mean of the targets would do as well. A model that is sure of such answers,
and whose answers follow its input, is told apart.

## Why it matters
Always answering the most frequent label would be as good: the model has learned nothing, the labels
are numbered otherwise than the outputs, or it is fed otherwise than it was trained. Confidence that
was once learned, together with accuracy at chance, speaks for labels that do not belong to these
samples; so do a regression's answers that are spread as the targets are and don't go with them.
Answers that go with the targets in another unit are those of a model whose targets were scaled.

## How to tell it from a healthy look-alike
On few labels a small shortfall is chance, hence the standard errors. Where four in five labels are
the same, a model trained with balanced classes gives up accuracy on purpose to find the rare ones:
there it is only worth knowing. Where all labels are the same, any mistake is below that baseline:
that is DAT705's matter. At chance without confidence a model has just not learned: it is then said
so, the labels are not blamed. Nothing is claimed on fewer than 30 answers.

## What to do
Compare the order of the labels with the order of the samples, their numbering with the order of the
outputs, and the preparation of this data with that of the training data. Then see the findings on
layers.

## Source
Our choice: the constant answer is the weakest baseline there is. That being at chance is a warning
was measured: of 76 models of the calibration that failed, three had no other, and none of the 113
that worked has this one (docs/calibration.md).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity
from actdiag.rules import harm, labels
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Check the order of the labels and that this data is prepared as the training data was."
NOT_LEARNED = (
    "See what keeps it from learning: the learning rate, the optimiser's parameters, the layers "
    "named in this report."
)
OTHER_UNIT = "Give the targets in the unit of the training, or undo its scaling on the answers."
OTHER_LABELS = (
    "Check that the labels belong to these samples, in the same order and with the same encoding."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if a constant answer would be as good."""
    output = scan.output
    if output is None:
        return
    below, sure = _is_below(output, limits), labels.answers_surely(scan, limits["sure"])
    if not below and not harm.fails(scan):
        return
    balanced = (output.majority or 0) < limits["imbalanced"]
    yield RULE.finding(
        Severity.WARNING if balanced else Severity.INFO,
        final_site(scan),
        _message(scan, output, below=below, sure=sure),
        remedy=_remedy(scan, below=below, sure=sure),
        measured={
            "accuracy": output.accuracy,
            "majority": output.majority,
            "r2": output.r2,
            "correlation": None if output.agreement is None else output.agreement.correlation,
            "mean_confidence": output.mean_confidence,
            "predictions": output.predictions,
        },
        threshold=dict(limits),
    )


def _remedy(scan: Scan, *, below: bool, sure: bool) -> str:
    if labels.scaled_otherwise(scan) is not None:
        return OTHER_UNIT
    if sure or labels.unrelated_targets(scan):
        return OTHER_LABELS
    return REMEDY if below else NOT_LEARNED


def _is_below(output: OutputStats, limits: Limits) -> bool:
    """Whether always answering the most frequent label would be better, beyond chance."""
    if output.accuracy is None or output.majority is None or output.majority >= 1:
        return False
    noise = math.sqrt(output.majority * (1 - output.majority) / output.predictions)
    return output.accuracy < output.majority - limits["standard_errors"] * noise


def _message(scan: Scan, output: OutputStats, *, below: bool, sure: bool) -> str:
    fresh = age(scan) is Age.FRESH and not below
    untrained = " The weights look as an initialiser left them." if fresh else ""
    if output.accuracy is None:
        text = (
            f"R² {output.r2 or 0.0:.2f} over {count(output.predictions, 'answer')}: always "
            f"answering the mean of the targets would be as good.{untrained}"
        )
        return text + _of_targets(scan, output)
    text = (
        f"{percent(output.accuracy)} of {count(output.predictions, 'answer')} are right; always "
        f"answering the most frequent label would reach {percent(output.majority)}."
    )
    if output.accuracy > (output.majority or 0):
        text += " That is hardly better."
    if not sure:
        return text + untrained
    return (
        f"{text} The model is {percent(output.mean_confidence)} sure on average and its answers "
        "follow its input, so the labels may not belong to these samples."
    )


def _of_targets(scan: Scan, output: OutputStats) -> str:
    """What answers and targets have in common all the same."""
    found = output.agreement
    if found is None:
        return ""
    told = f"(correlation {found.correlation:.2f})"
    factor = labels.scaled_otherwise(scan)
    if factor is not None:
        return (
            f" The answers go with the targets {told} in another unit: multiplied by {factor:.3g} "
            f"and shifted, they would explain {percent(found.correlation**2)} of the variance."
        )
    if labels.unrelated_targets(scan):
        return (
            " The answers are spread much as the targets are, but do not go with them "
            f"{told}, so the targets may not belong to these samples."
        )
    return ""


RULE = Rule(
    code="OUT212",
    name="below-chance",
    needs=("output", "labels"),
    thresholds=(
        Threshold("standard_errors", 3, "our choice: three standard errors are hardly ever chance"),
        Threshold("sure", 0.7, "our choice: untrained digit classifiers are 0.1 to 0.3 sure"),
        Threshold("imbalanced", 0.8, "our choice: from there on balanced training costs accuracy"),
    ),
    check=check,
    follows=(
        "DAT707",
        "ACT117",
        "OUT201",
        "OUT205",
        "ACT106",
        "ACT101",
        "ACT103",
        "ACT107",
        "INI401",
        "DAT701",
    ),
)
