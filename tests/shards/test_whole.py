"""A scan shared by processes is the scan of one: every number of the report, however it is cut."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import actdiag
from actdiag import pipeline
from actdiag.errors import UsageError
from actdiag.feed import Batch
from actdiag.feed.parts import Part
from actdiag.shards.merging import whole
from actdiag.shards.piece import Piece
from actdiag.shards.share import digest_of


class Process:
    """Stands in for a process of a team: pieces go through bytes, as between processes."""

    sent: ClassVar[list[bytes]] = []

    def __init__(self, rank, size):
        self.rank, self.part = rank, Part(rank, size)

    def hand_over(self, piece):
        self.sent.append(piece.sent())

    def gathered(self, piece):
        return whole([piece, *map(Piece.received, self.sent)])


def shared(size, model, data, **options):
    """The report of the first of several processes."""
    Process.sent = []
    for rank in range(1, size):
        pipeline.scan(model, data, team=Process(rank, size), **options)
    return pipeline.scan(model, data, team=Process(0, size), **options)


def assert_same(found, wanted, place=""):
    assert type(found) is type(wanted), (place, found, wanted)
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), place
        for key in wanted.keys() - {"timings", "merge"}:
            assert_same(found[key], wanted[key], f"{place}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), (place, found, wanted)
        for index, pair in enumerate(zip(found, wanted, strict=True)):
            assert_same(*pair, f"{place}[{index}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-300), place
    else:
        assert found == wanted, place


class Tokens(nn.Module):
    """Embedding, attention, gated network; some of its tokens are padding."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.gate, self.up, self.down = nn.Linear(8, 12), nn.Linear(8, 12), nn.Linear(12, 5)

    def forward(self, x, padding_mask):
        x = self.embed(x)
        x = x + self.attend(x, x, x, key_padding_mask=padding_mask, need_weights=False)[0]
        return self.down(torch.nn.functional.silu(self.gate(x)) * self.up(x))


def tokens():
    torch.manual_seed(0)
    ids = torch.randint(1, 30, (70, 9))
    hidden = torch.arange(9) >= torch.randint(2, 10, (70, 1))
    batches = [
        {"x": ids[place], "padding_mask": hidden[place], "y": ids[place] % 5}
        for place in torch.arange(70).split(16)
    ]
    return Tokens().eval(), batches, {"batch_size": 16}


def images():
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(384, 9),
        nn.ReLU(),
        nn.Linear(9, 4),
    )
    with torch.no_grad():
        net[0].bias[2] = -50.0
    x = torch.rand(90, 1, 8, 8)
    y = torch.randint(4, (90,))
    return (
        net.eval(),
        (x, y),
        {"batch_size": 13, "gradients": True, "train_data": (x[5:40], y[5:40])},
    )


def regression():
    generator = np.random.default_rng(2)
    x = generator.normal(1e4, 1e-2, (50, 3)).astype(np.float32)
    x[[3, 44], 1] = math.nan, math.inf
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(3, 9), nn.GELU(), nn.Linear(9, 1), nn.Tanh())
    return net, (x, x[:, 1:2] * 2), {"batch_size": 7, "steps": "none"}


def synthetic():
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(6, 20), nn.Sigmoid(), nn.Linear(20, 20), nn.Hardtanh())
    return net, None, {"batch_size": 32, "max_samples": 100, "steps": "none"}


def failing():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 4)

        def forward(self, x):
            x = self.layer(x).relu()
            if bool((x > 1e6).any()):
                raise ValueError("too large")
            return x

    torch.manual_seed(4)
    x = torch.randn(40, 3)
    x[22] = 1e9
    return Fails(), x, {"batch_size": 4, "steps": "none"}


CASES = {case.__name__: case for case in (tokens, images, regression, synthetic, failing)}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", CASES)
def test_the_report_is_that_of_one_process(name):
    model, data, options = CASES[name]()
    wanted = actdiag.scan(model, data, **options).to_json()
    assert wanted["data"]["samples"] > 10
    for size in (1, 2, 4, 9):
        assert_same(shared(size, model, data, **options).to_json(), wanted)


def test_the_cases_hold_what_they_are_for():
    documents = {name: actdiag.scan(*CASES[name]()[:2], **CASES[name]()[2]) for name in CASES}
    assert documents["tokens"].scan.gated
    assert any(site.attention for site in documents["tokens"].scan.sites)
    assert documents["tokens"].scan.data.padding.masked > 0
    assert documents["images"].scan.train_eval is not None
    assert documents["images"].scan.training_data.shared == 35
    assert documents["images"].scan.gradients.samples
    assert any("NaN or inf" in note for note in documents["regression"].scan.data.notes)
    assert any(
        site.per_unit.input_bound for site in documents["images"].scan.sites if site.per_unit
    )
    assert documents["regression"].scan.output.r2 is not None
    assert documents["synthetic"].scan.data.synthetic
    assert documents["failing"].scan.coverage.failure is not None


def test_processes_that_divide_the_data_themselves_are_told_of():
    model, (x, y), options = images()
    Process.sent = []
    pipeline.scan(model, (x[45:], y[45:]), team=Process(1, 2), **options)
    with pytest.raises(UsageError, match="the first batch of the data is"):
        pipeline.scan(model, (x[:45], y[:45]), team=Process(0, 2), **options)


def test_no_process_but_the_first_takes_gradients_or_reads_the_training_data():
    model, data, options = images()
    Process.sent = []
    report = pipeline.scan(model, data, team=Process(1, 3), **options)
    assert (report.scan.gradients, report.scan.training_data) == (None, None)
    assert report.findings == ()
    assert len(Process.sent) == 1


X = torch.arange(6.0).view(2, 3)


@pytest.mark.parametrize(
    "other",
    [X, X.t().contiguous().t(), X.to_sparse(), [X], {"a": X}],
    ids=["itself", "laid out otherwise", "sparse", "in a list", "in a mapping"],
)
def test_the_same_numbers_have_the_same_digest(other):
    assert digest_of(Batch((other,), samples=2)) == digest_of(Batch((X,), samples=2))


@pytest.mark.parametrize(
    "other",
    [X + 1, X.to(torch.complex128).conj(), X.half(), X.bool(), X.bfloat16(), X[:0]],
    ids=["one more", "conjugate", "half", "bool", "bfloat16", "empty"],
)
def test_other_numbers_have_another_digest(other):
    assert digest_of(Batch((other,), samples=2)) != digest_of(Batch((X,), samples=2))
