"""Data of few of the classes that the model tells apart, or of one sample over and over.

## What it sees
Samples that are all the same. And labels of the scanned data that are all of one class, or of at
most a third of the model's classes, although there are enough of them to meet the others.

## Why it matters
Files are often sorted by class, so their head is one class. Units that work for the others look
dead on it (of a digit classifier 119 instead of 85), the share of the most frequent label is 100 %,
and accuracy says nothing: always answering that class would be right too. Where preparing the data
went wrong (integers divided, a key misspelt) every sample may be the same, often nothing but zeros:
then no rule that compares samples is run, so that no sound model is blamed.

## How to tell it from a healthy look-alike
A small or random sample misses rare classes: it takes three answers per class, and with fifty
classes or more only a single class counts. A class of the output that no data has (a spare one)
is within the limit. Samples of the same values in another order differ in what a layer makes of
them. Where most answers are right this is only worth knowing.

## What to do
Shuffle the data before taking its head, or use ``--max-samples``, which draws at random. Look at
what the data's preparation gives.

## Source
Measured: the first 500 images of a sorted MNIST file raise the dead count of a model that works
from 85 to 119. The shares are our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.graph import input_sites, inputs_differ
from actdiag.rules.wording import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Shuffle the data before taking part of it, or let --max-samples draw at random."
PREPARE = "Look at what the data's preparation gives: the type, the key, the scale, the index."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, if all samples are the same, or few classes were seen."""
    if not inputs_differ(scan):
        yield _one_sample(scan)
        return
    output = scan.output
    if output is None or output.accuracy is None or not harm.few_classes(scan):
        return
    seen = count(output.label_classes or 0, "class")
    yield RULE.finding(
        Severity.INFO if output.accuracy >= limits["mostly_right"] else Severity.WARNING,
        None,
        f"The labels of {count(output.predictions, 'answer')} are of {seen} only, of "
        f"{output.classes or 0:,} that the model tells apart: this part of the data does not stand "
        f"for the whole, so idle units and an accuracy of {percent(output.accuracy)} say little.",
        remedy=REMEDY,
        measured={
            "label_classes": output.label_classes,
            "classes": output.classes,
            "predictions": output.predictions,
            "accuracy": output.accuracy,
        },
        threshold=dict(limits),
    )


def _one_sample(scan: Scan) -> Finding:
    values = {site.stats.mean for site in input_sites(scan) if site.stats.std == 0}
    every = f", and every value is {number(values.pop() or 0.0)}" if len(values) == 1 else ""
    return RULE.finding(
        Severity.ERROR,
        None,
        f"All {count(scan.data.samples, 'sample')} are the same{every}: they say no more of the "
        "model than one sample does.",
        remedy=PREPARE,
        measured={"samples": scan.data.samples},
    )


RULE = Rule(
    code="DAT705",
    name="unrepresentative-sample",
    needs=("forward", "samples"),
    thresholds=(
        Threshold(
            "mostly_right", 0.5, "our choice: below, the findings need data they can rest on"
        ),
    ),
    check=check,
)
