"""Labels that cannot be compared with the answers.

## What it sees
Labels that are no class of the output (outside 0 to K − 1), and labels that do not fit the output
in number or kind, such as fractions for a classifier's logits. Also labels that are numbered
otherwise than the outputs: paired with other classes on one half of the answers, they make a model
right on the other half that is wrong as they stand.

## Why it matters
In training a label outside the classes is an error on the CPU and anything on a GPU; one that is
off by one teaches the wrong class throughout. Here such answers count as unlabelled, so that
accuracy and calibration rest on the others. Labels numbered otherwise make a good model look bad.

## How to tell it from a healthy look-alike
−100 marks answers to leave out, as CrossEntropyLoss takes it, and is never counted; labels that are
all −1 or classes mean the same as a rule and are only worth knowing. Another numbering is claimed
only of a trained model that is sure of its answers, and only where it then does its job: a model
that confuses classes, or answers one of them throughout, gains nothing by renaming them.

## What to do
Number the classes from 0 in the order of the outputs; give regressions one number per output, and
models that answer at every position one label per position.

## Source
PyTorch documentation of CrossEntropyLoss (2016 onwards): classes in [0, K), ignore_index −100. The
pairing is our choice; near a permutation the greedy one is the best assignment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, OutputStats, Scan, Severity
from actdiag.rules import labels
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.wording import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Pairing

REMEDY = "Number the classes from 0 in the order of the outputs, one label for each answer."
AS_TRAINED = "Number the classes as they were in training, or map the labels to the classes named."
PAIRS_TOLD = 5
SIGNS = " No label is 0: where −1 and 1 are the two classes, give them as 0 and 1."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """At most one finding: labels that fit nowhere, are no class, or are numbered otherwise."""
    output = scan.output
    if output is None:
        return
    if not (output.labels_misfit or output.labels_foreign):
        found = labels.renumbered(scan, *(limits[name] for name in ("gain", "errors", "sure")))
        if found is not None:
            yield _renumbered(output, found, limits)
        return
    marks = not output.labels_misfit and _marks(output)
    yield RULE.finding(
        Severity.INFO if marks else Severity.WARNING,
        None,
        _misfit(output) if output.labels_misfit else _foreign(output, marks=marks),
        remedy=_remedy(output),
        measured={
            "labels_misfit": output.labels_misfit,
            "labels_foreign": output.labels_foreign,
            "label_min": output.label_min,
            "label_max": output.label_max,
            "classes": output.classes,
            "kind": output.kind,
        },
        threshold=dict(limits),
    )


def _renumbered(output: OutputStats, found: Pairing, limits: Limits) -> Finding:
    pairs = ", ".join(f"{label} as class {out}" for label, out in found.pairs[:PAIRS_TOLD])
    more = " …" if found.moved > PAIRS_TOLD else ""
    return RULE.finding(
        Severity.WARNING,
        None,
        f"The labels are numbered otherwise than the outputs: read {pairs}{more}, "
        f"{percent(found.accuracy_after)} of {count(found.samples_judged, 'answer')} are right, "
        f"where {percent(found.accuracy_before)} are as the labels stand.",
        remedy=AS_TRAINED,
        measured={
            "pairs": [list(pair) for pair in found.pairs],
            "moved": found.moved,
            "accuracy_before": found.accuracy_before,
            "accuracy_after": found.accuracy_after,
            "samples_judged": found.samples_judged,
            "mean_confidence": output.mean_confidence,
        },
        threshold=dict(limits),
    )


def _remedy(output: OutputStats) -> str:
    """What is wanted: where the output holds positions and the labels fewer, their shape."""
    shape, given = output.shape, output.label_shape
    if not output.labels_misfit or not output.classes or not shape or not given:
        return REMEDY
    wanted = (shape[0], *shape[2:])
    if len(given) >= len(wanted) or shape[1] != output.classes:
        return REMEDY
    told = "one per sample" if given == shape[:1] else f"labels of shape {given}"
    return f"One label per position is needed, of shape {wanted}: you gave {told}."


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
        text += " −1 is taken for an answer without a label."
        signs = output.label_classes == 1 == output.label_max and classes == labels.TWO
        return text + SIGNS * signs
    if output.label_min and output.label_min >= 1 and output.label_max == classes:
        return f"{text} They look as if they were numbered from 1."
    return text


RULE = Rule(
    code="DAT707",
    name="labels-mismatch",
    needs=("output", "given-labels"),
    thresholds=(
        Threshold("gain", labels.GAIN, "our choice: a swap of two classes of ten gains 0.2"),
        Threshold(
            "errors", labels.STANDARD_ERRORS, "our choice: three standard errors are hardly chance"
        ),
        Threshold("sure", labels.SURE, "our choice: untrained digit classifiers are 0.1 to 0.3"),
    ),
    check=check,
    data_free=True,
)
