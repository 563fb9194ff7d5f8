"""Labels that cannot be compared with the answers.

## What it sees
Labels that are no class of the output (outside 0 to K − 1), and labels that do not fit the output
in number or kind, such as fractions for a classifier's logits.

## Why it matters
In training a label outside the classes is an error on the CPU and anything on a GPU; one that is
off by one teaches the wrong class throughout. Here such answers count as unlabelled, so that
accuracy and calibration rest on the others.

## How to tell it from a healthy look-alike
−100 marks answers to leave out, as CrossEntropyLoss takes it, and is never counted; labels that are
all −1 or classes mean the same as a rule and are only worth knowing.

## What to do
Number the classes from 0 in the order of the outputs; give regressions one number per output.

## Source
PyTorch documentation of CrossEntropyLoss (2016 onwards): classes in [0, K), ignore_index −100.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity
from actdiag.rules.base import Limits, Rule
from actdiag.rules.wording import count, number

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Number the classes from 0 in the order of the outputs, one label for each answer."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """At most one finding: labels that fit nowhere, or labels that are no class."""
    output = scan.output
    if output is None or not (output.labels_misfit or output.labels_foreign):
        return
    marks = not output.labels_misfit and _marks(output)
    yield RULE.finding(
        Severity.INFO if marks else Severity.WARNING,
        None,
        _misfit(output) if output.labels_misfit else _foreign(output, marks=marks),
        remedy=REMEDY,
        measured={
            "labels_misfit": output.labels_misfit,
            "labels_foreign": output.labels_foreign,
            "label_min": output.label_min,
            "label_max": output.label_max,
            "classes": output.classes,
            "kind": output.kind,
        },
    )


def _marks(output: OutputStats) -> bool:
    """Whether the only labels that are no class are −1, which marks what has none."""
    largest = output.label_max
    return output.label_min == -1 and largest is not None and largest < (output.classes or 0)


def _range(output: OutputStats) -> str:
    return f"from {number(output.label_min or 0.0)} to {number(output.label_max or 0.0)}"


def _misfit(output: OutputStats) -> str:
    answers = count(output.labels_misfit, "answer")
    return (
        f"The labels of {answers} cannot be compared with them: the output is {output.kind} of "
        f"shape {output.shape}, the labels run {_range(output)}."
    )


def _foreign(output: OutputStats, *, marks: bool) -> str:
    classes = output.classes or 0
    text = (
        f"{count(output.labels_foreign, 'label')} are no class of the output: labels run "
        f"{_range(output)}, classes from 0 to {classes - 1:,}."
    )
    if marks:
        return f"{text} −1 is taken for an answer without a label."
    if output.label_min and output.label_min >= 1 and output.label_max == classes:
        return f"{text} They look as if they were numbered from 1."
    return text


RULE = Rule(
    code="DAT707",
    name="labels-mismatch",
    needs=("output", "given-labels"),
    thresholds=(),
    check=check,
    data_free=True,
)
