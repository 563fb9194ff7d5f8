"""A model that answers otherwise than the one that was trained.

## What it sees
The answers to the same few samples, once with the running statistics of BatchNorm and its kin (as
in eval mode) and once with the statistics of the batch (as in training), dropout off in both: their
correlation is below 0.75.

## Why it matters
In training each batch is normalised by itself; afterwards by what the layer remembers. Where the
memory does not fit the data, the model in use is another one than the one whose loss was watched:
good in training, useless in eval mode.

## How to tell it from a healthy look-alike
Dropout makes the modes differ on purpose, so it stays off. Freshly initialised norms remember
nothing yet and are left out, so are made-up inputs, which no memory fits. Batches are small: the
samples come from all over the data, since those of one class have statistics of their own. Where
labels show that the model works in eval mode it is worth knowing only.

## What to do
Feed the data as in training (normalised alike). Or let the statistics settle: a larger batch or
momentum, or a pass over the training data in train mode without gradients before saving. See that
no layer was used on two kinds of data, and that the buffers were saved with the weights.

## Source
Correlation below 0.75: TheDeepChecker (Ben Braiek and Khomh 2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Finding, Scan, Severity, TrainEval
from actdiag.rules import harm
from actdiag.rules.base import Limits, Rule, Threshold
from actdiag.rules.training import Age, age
from actdiag.rules.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = (
    "Prepare the data as in training; or run the training data through the model in train mode "
    "without gradients, so that the running statistics fit, and save it again."
)


def check(scan: Scan, limits: Limits) -> Iterator[Finding]:
    """One finding, of the whole model."""
    modes = scan.train_eval
    if modes is None or modes.correlation is None or modes.correlation >= limits["correlation"]:
        return
    if age(scan) is Age.FRESH:
        return
    yield RULE.finding(
        _severity(scan),
        None,
        f"In train mode (dropout off) the model answers otherwise than in eval mode: over "
        f"{count(modes.samples, 'sample')} the answers correlate by {modes.correlation:.2f} only. "
        f"The running statistics of {count(modes.layers, 'norm')} do not fit this data."
        f"{_scores(modes)}",
        remedy=REMEDY,
        measured={
            "correlation": modes.correlation,
            "samples": modes.samples,
            "layers": modes.layers,
            "score_in_train": modes.score_in_train,
            "score_in_eval": modes.score_in_eval,
        },
        threshold=dict(limits),
    )


def _scores(modes: TrainEval) -> str:
    train, used = modes.score_in_train, modes.score_in_eval
    if train is None or used is None:
        return ""
    return f" They score {train:.2f} in train mode and {used:.2f} in eval mode."


def _severity(scan: Scan) -> Severity:
    if harm.fails(scan):
        return Severity.ERROR
    return Severity.INFO if harm.works(scan) else Severity.WARNING


RULE = Rule(
    code="ACT117",
    name="train-eval-mismatch",
    needs=("both-modes", "real-data"),
    thresholds=(Threshold("correlation", 0.75, "TheDeepChecker (Ben Braiek and Khomh 2023)"),),
    check=check,
    follows=("DAT701",),
)
