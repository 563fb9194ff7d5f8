"""Predictions that use few of the classes that the labels use.

## What it sees
A classifier that answers with a single class where the labels hold two or more, or with at most a
third of the labels' classes.

## Why it matters
The model has settled for what is frequent: what it does not answer it will never find.

## How to tell it from a healthy look-alike
On few answers, rare classes are simply not met: it takes ten labelled answers per class. With
fifty classes or more, rare ones (tokens, species) are seldom right first: they are left out
unless a single class is answered. A network that has not been trained favours some class by
chance: a warning at most.

## What to do
See first whether the output is constant (OUT201) or its layers are dead. Then balance the classes
in the loss or the sampler, and train longer at a lower learning rate.

## Source
deepchecks' and AUTOTRAINER's checks of predicted classes (Zhang et al. 2021). The third: our
choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import final_site
from actdiag.rules.harm import MANY_CLASSES
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Balance the classes in the loss or the sampler, and train again at a lower learning rate."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if too few classes are answered."""
    output = scan.output
    if output is None or not output.predicted_classes or not output.label_classes:
        return
    answered, known = output.predicted_classes, output.label_classes
    single = answered == 1 and known > 1
    few = answered <= limits["share"] * known and known < MANY_CLASSES
    if not (single or few) or output.predictions < limits["per_class"] * min(known, MANY_CLASSES):
        return
    yield RULE.finding(
        Severity.ERROR if single and age(scan) is not Age.FRESH else Severity.WARNING,
        final_site(scan),
        f"The model answers with {count(answered, 'class')} only, "
        f"over {count(output.predictions, 'sample')} whose labels use {known:,}.",
        remedy=REMEDY,
        measured={
            "predicted_classes": answered,
            "label_classes": known,
            "predictions": output.predictions,
            "accuracy": output.accuracy,
            "majority": output.majority,
        },
        threshold=dict(limits),
    )


RULE = Rule(
    code="OUT205",
    name="class-collapse",
    needs=("output", "classes", "labels"),
    thresholds=(
        Threshold("share", 1 / 3, "our choice: classifiers that work answer with every class"),
        Threshold("per_class", 10, "our choice: fewer answers do not meet every class"),
    ),
    check=check,
    follows=(
        "OUT201",
        "ACT106",
        "ACT101",
        "ACT103",
        "INI401",
        "INI402",
        "ACT107",
        "ACT117",
        "DAT701",
    ),
)
