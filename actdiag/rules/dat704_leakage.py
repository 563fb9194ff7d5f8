"""Samples that the model was trained on among those it is judged on.

## What it sees
Samples of the data that stand in the training data too, value for value.

## Why it matters
On them the model is not tested but asked what it was told. One in a hundred moves an accuracy by
as much as two models differ; all of them make it meaningless.

## How to tell it from a healthy look-alike
Tables with few different rows repeat themselves: where the data repeats its own samples as often
as it shares samples with the training data, that is what such data is like, and it is worth
knowing only. A single shared sample in a thousand is worth knowing as well.

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
    if train is None or not train.shared:
        return
    share = train.shared / train.judged
    natural = train.repeated >= limits["of_repeated"] * train.shared
    harmful = share >= limits["warning"] and not natural
    yield RULE.finding(
        Severity.WARNING if harmful else Severity.INFO,
        None,
        _message(train, share, natural=natural),
        remedy=REMEDY,
        measured={
            "shared": train.shared,
            "samples": train.judged,
            "share": share,
            "training_samples": train.samples,
            "label_conflicts": train.label_conflicts,
            "repeated": train.repeated,
        },
        threshold=dict(limits),
    )


def _message(train: TrainingData, share: float, *, natural: bool) -> str:
    if train.shared == train.judged:
        text = f"All of {count(train.judged, 'sample')} are training samples"
    else:
        verb = "is a training sample" if train.shared == 1 else "are training samples"
        text = f"{train.shared:,} of {count(train.judged, 'sample')} ({percent(share)}) {verb}"
    if train.label_conflicts:
        text += f", {train.label_conflicts:,} of them under another label"
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
    ),
    check=check,
)
