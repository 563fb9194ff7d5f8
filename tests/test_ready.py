"""How many samples run at a time: fewer where their activations would not fit."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import actdiag
from actdiag import ready
from actdiag.feed import open_data, synthetic

X = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
WIDE = nn.Sequential(nn.Linear(6, 1000), nn.ReLU(), nn.Linear(1000, 2)).eval()
EACH = 4 * (1000 + 1000)  # bytes of a sample, at the ReLU


@pytest.fixture
def most(monkeypatch):
    def allow(samples):
        monkeypatch.setattr(ready, "MOST_BYTES", samples * EACH)

    return allow


@pytest.mark.parametrize(
    ("fits", "size"), [(1000, 256), (256, 256), (255, 128), (100, 64), (1.5, 1), (0.1, 1)]
)
def test_batches_are_halved_until_they_fit(most, fits, size):
    most(fits)
    feed = ready.bounded(open_data(X, module=WIDE), WIDE)
    assert feed.batch_size == size
    assert [batch.samples for batch in feed][:1] == [size]
    assert torch.equal(torch.cat([batch.inputs[0] for batch in feed]), torch.from_numpy(X))


def notes_of(data):
    return actdiag.scan(WIDE, data, steps="none").scan.data.notes


def test_the_report_says_why(most):
    most(100)
    report = actdiag.scan(WIDE, X, steps="none")
    assert (report.scan.data.batches, report.scan.data.samples) == (5, 300)
    note = "64 samples at a time: the activations of 256 would take 0.0 GB"
    assert note in report.scan.data.notes
    assert not any("at a time" in note for note in notes_of(X[:64]))


def test_the_numbers_stay(most):
    whole = actdiag.scan(WIDE, X, steps="none")
    most(20)
    parts = actdiag.scan(WIDE, X, steps="none")
    assert [site.name for site in parts.scan.sites] == [site.name for site in whole.scan.sites]
    for one, other in zip(parts.scan.sites, whole.scan.sites, strict=True):
        assert one.stats.elements == other.stats.elements
        assert one.stats.mean == pytest.approx(other.stats.mean, rel=1e-5, abs=1e-7)
    assert [found.fingerprint for found in parts.findings] == [
        found.fingerprint for found in whole.findings
    ]


def test_a_size_that_was_asked_for_is_kept(most):
    most(10)
    assert actdiag.scan(WIDE, X, batch_size=150, steps="none").scan.data.batches == 2


def rows():
    return TensorDataset(torch.from_numpy(X))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(torch.from_numpy(X))


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (lambda: X, 64),
        (rows, 64),
        (Stream, 64),
        (lambda: DataLoader(rows(), 200), 200),
        (lambda: [torch.from_numpy(X)], 300),
        (lambda: [torch.from_numpy(X[:1])], 1),
    ],
    ids=["array", "data set", "iterable data set", "loader", "list", "one sample"],
)
def test_batches_of_the_users_own_are_left_alone(most, data, size):
    most(64)
    feed = ready.bounded(open_data(data(), module=WIDE), WIDE)
    assert feed.batch_size == size
    assert next(iter(feed)).samples == size


def test_synthetic_input_and_inputs_that_were_changed(most):
    most(64)
    assert ready.bounded(synthetic(WIDE), WIDE).batch_size == 64
    changed = open_data(X.reshape(300, 2, 3), module=WIDE, fix_input=True, transform="standardize")
    assert ready.bounded(changed, WIDE).batch_size == 64


def test_a_model_that_takes_no_single_sample_gets_whole_batches(most):
    class Pairs(nn.Module):
        def forward(self, x):
            return WIDE(x).squeeze().mean(1)

    most(1)
    assert ready.bounded(open_data(X, module=Pairs()), Pairs()).batch_size == 256
