"""Data that are one sample over and over, or nothing but zeros: no model is blamed by them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import actdiag
from tests.rules.samples import trained_digits

SAMPLES = 200


def _report(module, x, y=None):
    return actdiag.scan(module, x if y is None else (x, y), steps="none")


def _repeated(value):
    return value.expand(SAMPLES, *value.shape[1:])


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (torch.zeros(1, 64), "are the same, and every value is 0: they say"),
        (torch.linspace(-1, 1, 64).view(1, 64), "are the same: they say no more of the model"),
    ],
    ids=["zeros", "repeated"],
)
def test_no_model_is_blamed_for_data_of_one_sample(sample, said):
    labels = torch.arange(SAMPLES) % 10
    report = _report(trained_digits().model, _repeated(sample), labels)
    assert [(one.code, one.severity) for one in report.findings] == [("DAT705", "error")]
    finding = report.findings[0]
    assert said in finding.message
    assert not report.diagnoses
    reasons = {skip.code: skip.reason for skip in report.skipped}
    for code in ("ACT101", "INI404", "OUT201", "OUT205", "OUT212"):
        assert reasons[code] == "needs samples that differ, and all 200 are the same"


@pytest.mark.parametrize(
    ("module", "sample"),
    [
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten()), torch.rand(1, 1, 8, 8)),
        (nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(32, 2)), torch.arange(8)[None]),
    ],
    ids=["image", "tokens"],
)
def test_images_and_sequences_too_and_without_labels(module, sample):
    found = _report(module, _repeated(sample)).findings
    assert [finding.code for finding in found] == ["DAT705"]


def test_the_same_values_in_another_order_are_other_samples():
    tokens = torch.stack([torch.arange(8).roll(place) for place in range(SAMPLES)])
    module = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(32, 2))
    assert not _report(module, tokens).findings


def test_batches_of_other_sizes_do_not_make_them_differ():
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for size in (7, 64):
        report = actdiag.scan(module, _repeated(image), steps="none", batch_size=size)
        assert [finding.code for finding in report.findings] == ["DAT705"]
