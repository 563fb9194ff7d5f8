"""Nearly every answer at the end of the softmax.

## What it sees
At least nine in ten answers with a largest probability of 0.999 or more, and the range of the
logits that gives it.

## Why it matters
There the softmax is flat: no gradient reaches the model, differences between answers are lost, and
logits this large are a documented cause of a model that is very confident but wrong.

## How to tell it from a healthy look-alike
A good classifier on an easy task looks the same. Without labels nobody can tell, so it is only
worth knowing; with labels it is a warning only where the answers are right more than a tenth less
often than they are confident.

## What to do
Where the confidence isn't deserved: divide the logits by a fitted temperature, train with label
smoothing or weight decay; check that the softmax isn't applied twice.

## Source
"Softmax near 0 or 1" of the project's knowledge. The shares are our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Confidence, Finding, OutputStats, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.wording import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Fit a temperature for the logits, and train with label smoothing or weight decay."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if nearly all answers are extreme."""
    output = scan.output
    if output is None or output.extreme is None or output.extreme < limits["share"]:
        return
    undeserved = (
        output.accuracy is not None
        and output.mean_confidence is not None
        and output.mean_confidence - output.accuracy > limits["undeserved"]
    )
    yield RULE.finding(
        Severity.WARNING if undeserved else Severity.INFO,
        final_site(scan),
        _message(output, undeserved=undeserved),
        remedy=REMEDY if undeserved else _nothing_to_mend(output),
        measured={
            "extreme": output.extreme,
            "predictions": output.predictions,
            "accuracy": output.accuracy,
            "logit_min": output.logit_min,
            "logit_max": output.logit_max,
            "logit_gap": output.logit_gap,
        },
        threshold=dict(limits),
        confidence=Confidence.MEDIUM if output.assumed else Confidence.HIGH,
    )


def _nothing_to_mend(output: OutputStats) -> str:
    if output.accuracy is None:
        return "Check with labels whether the confidence is deserved."
    return "Nothing needs to be done: the labels show that the confidence is deserved."


def _message(output: OutputStats, *, undeserved: bool) -> str:
    text = (
        f"{percent(output.extreme)} of {count(output.predictions, 'answer')} have a probability of "
        "at least 99.9 %"
    )
    if output.logit_min is not None and output.logit_max is not None:
        text += f"; the logits run from {number(output.logit_min)} to {number(output.logit_max)}"
    if undeserved:
        return f"{text}. Only {percent(output.accuracy)} of them are right."
    if output.accuracy is not None:
        return f"{text}. {percent(output.accuracy)} are right, so the confidence is deserved."
    return f"{text}. Without labels nobody can tell whether that is deserved."


RULE = Rule(
    code="OUT204",
    name="extreme-softmax",
    needs=("output", "classifier"),
    thresholds=(
        Threshold("share", 0.9, "our choice: trained digit classifiers that work stay below"),
        Threshold("undeserved", 0.1, "Guo et al. 2017: uncalibrated networks show 0.04 to 0.10"),
    ),
    check=check,
    follows=("ACT107", "INI401", "DAT701"),
)
