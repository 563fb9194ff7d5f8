"""Samples that the model was trained on among those it is judged on.

## What it sees
Samples of the data that stand in the training data too: value for value, or nearly, within a fifth
of the distance that training samples have to their nearest neighbours, each feature standardised
(noise, rounding, compression). Near ones are searched among at most 4,096 samples and 20,000
training samples, drawn at random, where inputs are numbers and not token ids.

## Why it matters
On them the model is not tested but asked what it was told. One in a hundred moves an accuracy by
as much as two models differ; all of them make it meaningless.

## How to tell it from a healthy look-alike
Tables with few different rows repeat themselves: where the data repeats its own samples as often
as it shares samples with the training data, that is what such data is like, and it is worth
knowing only. Near ones count where there are twice as many as training samples have among
themselves. A single shared sample in a thousand is worth knowing as well.

## What to do
Take the shared samples out of the data and judge again; split by person, place or document
before anything is copied or augmented.

## Source
The step "check for data leakage" of the project's knowledge; one in a hundred is our choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, TrainingData
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.wording import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Take the shared samples out of the data and judge again."


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, of the whole data."""
    train = scan.training_data
    if train is None or not train.judged:
        return
    near = _near(train, limits)
    shared = train.shared + near
    if not shared:
        return
    share = shared / train.judged
    natural = not near and train.repeated >= limits["of_repeated"] * train.shared
    harmful = share >= limits["warning"] and not natural
    yield RULE.finding(
        Severity.WARNING if harmful else Severity.INFO,
        None,
        _message(train, near, natural=natural) + _accuracy(scan, train),
        remedy=REMEDY,
        measured={
            "shared": train.shared,
            "near": train.near,
            "samples": train.judged,
            "share": share,
            "training_samples": train.samples,
            "label_conflicts": train.label_conflicts + (train.near_conflicts if near else 0),
            "repeated": train.repeated,
            "accuracy": scan.output.accuracy if scan.output else None,
            "unseen_accuracy": train.unseen_accuracy,
            "unseen": train.unseen,
        },
        threshold=dict(limits),
    )


def _accuracy(scan: Scan, train: TrainingData) -> str:
    """The accuracy on all beside that on what the training data does not hold."""
    if scan.output is None or scan.output.accuracy is None or train.unseen_accuracy is None:
        return ""
    return (
        f" Accuracy: {percent(scan.output.accuracy)} on all, {percent(train.unseen_accuracy)} on "
        f"the {count(train.unseen, 'other')}."
    )


def _near(train: TrainingData, limits: Limits) -> int:
    """Near-duplicates, where there are more than such data has anyway."""
    near = train.near or 0
    expected = train.near_natural * train.near_judged
    return near if near > limits["of_natural"] * expected else 0


def _message(train: TrainingData, near: int, *, natural: bool) -> str:
    if train.shared == train.judged:
        text = f"All of {count(train.judged, 'sample')} are training samples"
    elif not train.shared:
        share = percent(near / train.judged)
        text = f"{near:,} of {count(train.judged, 'sample')} ({share}) nearly equal a training one"
    else:
        verb = "is a training sample" if train.shared == 1 else "are training samples"
        share = percent(train.shared / train.judged)
        text = f"{train.shared:,} of {count(train.judged, 'sample')} ({share}) {verb}"
    if near and train.shared:
        text += f", {near:,} more nearly so"
    conflicts = train.label_conflicts + (train.near_conflicts if near else 0)
    if conflicts:
        text += f", {conflicts:,} of them under another label"
    if natural:
        text += f"; the data repeats {train.repeated:,} of its own samples as well"
    return f"{text}."


RULE = Rule(
    code="DAT704",
    name="leakage",
    needs=("training-data", "real-data"),
    thresholds=(
        Threshold("warning", 0.01, "our choice: one in a hundred already moves an accuracy"),
        Threshold(
            "of_repeated", 1, "our choice: data that repeats itself as often shares by chance"
        ),
        Threshold(
            "of_natural", 2, "our choice: up to twice as many near ones may be chance as well"
        ),
    ),
    check=check,
)
