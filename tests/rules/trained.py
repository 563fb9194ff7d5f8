"""Samples of the rules that compare with the training data, and their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from actdiag.feed import open_data
from actdiag.passes.training import with_training_data
from actdiag.records import Scan, TrainingData
from tests.rules.build import classifier, scan
from tests.rules.live import Sample, digits, mlp, train

if TYPE_CHECKING:
    from torch import Tensor


def beside(sample: Sample, x: Tensor, y: Tensor) -> Sample:
    """The sample with the data that it was trained on."""

    def compared(found: Scan) -> Scan:
        here, there = (
            open_data(data, module=sample.model) for data in ((sample.x, sample.y), (x, y))
        )
        return with_training_data(found, sample.model, here, there)

    return replace(sample, beside=compared)


def few_learnt_by_heart() -> Sample:
    """Sixty digits, two hundred times each."""
    x, y, test_x, test_y = digits()
    few = (x[:60], y[:60], test_x, test_y)
    return beside(train(mlp(64, 256, 10), few, epochs=200), x[:60], y[:60])


def held_out() -> Sample:
    """All the training digits, and others to judge."""
    x, y, *_ = digits()
    return beside(train(mlp(64, 64, 10), digits()), x, y)


def split_after_copying() -> Sample:
    """Twenty of four hundred samples were trained on too."""
    x, y, test_x, test_y = digits()
    sample = train(mlp(64, 64, 10), digits(), epochs=2)
    mixed = (torch.cat((x[:20], test_x[20:])), torch.cat((y[:20], test_y[20:])))
    return beside(replace(sample, x=mixed[0], y=mixed[1]), x, y)


def known(**changes: Any) -> TrainingData:
    given: dict[str, Any] = {"samples": 1000, "accuracy": 0.96, "nll": 0.1, "judged": 500}
    return TrainingData(**given | changes)


SICK = {"OUT211": few_learnt_by_heart, "DAT704": split_after_copying}
HEALTHY = {"OUT211": held_out, "DAT704": held_out}
MESSAGES: dict[str, tuple[Scan, str]] = {
    "OUT211": (
        scan(output=classifier(accuracy=0.71, nll=1.9), training_data=known(accuracy=0.99)),
        (
            "99.0 % of 1,000 training samples are answered right, and 71.0 % of 500 here; the "
            "negative log-likelihood is 0.1 there, 1.9 here."
        ),
    ),
    "DAT704": (
        scan(training_data=known(shared=25, label_conflicts=3)),
        ("25 of 500 samples (5.0 %) are training samples, 3 of them under another label."),
    ),
}
