"""Objects from Python: every kind is fed, iterates again, and leaves no trace."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    SubsetRandomSampler,
    TensorDataset,
)

from actdiag.errors import DataError, UsageError
from actdiag.feed import Batch, Feed, open_data
from tests.feed.reading import inputs_of, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable

if TYPE_CHECKING:
    from collections.abc import Callable

X = torch.arange(300, dtype=torch.float32).reshape(100, 3)
Y = torch.arange(100) % 4
PAIRS = TensorDataset(X, Y)


class Noisy(Dataset):
    """Augments with all three sources of random numbers."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        noise = [*torch.rand(2).tolist(), random.random(), np.random.rand()]  # noqa: NPY002
        return torch.tensor(noise), index % 2


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.rand(3), 1


def states():
    """Where the three global generators stand."""
    legacy = repr(np.random.get_state(legacy=False))  # noqa: NPY002 - what user code draws from
    return torch.get_rng_state().tolist(), random.getstate(), legacy


def batches():
    return list(DataLoader(PAIRS, 16))


KINDS: dict[str, Callable[[], Any]] = {
    "tensor": lambda: X,
    "array": X.numpy,
    "lists": X.tolist,
    "pair": lambda: (X, Y),
    "arrays": lambda: (X.numpy(), Y.numpy()),
    "labels as list": lambda: (X, Y.tolist()),
    "dict": lambda: {"x": X, "y": Y},
    "loader": lambda: DataLoader(PAIRS, 16),
    "shuffled loader": lambda: DataLoader(PAIRS, 16, shuffle=True),
    "data set": lambda: PAIRS,
    "random data set": Noisy,
    "batches": batches,
    "batches of ours": lambda: [Batch((X[:5],), labels=Y[:5], samples=5)],
    "samples": lambda: [(x, int(y)) for x, y in zip(X, Y, strict=True)],
    "samples of arrays": lambda: [(x.numpy(), y.numpy()) for x, y in zip(X, Y, strict=True)],
    "named samples": lambda: [{"x": x, "y": int(y)} for x, y in zip(X, Y, strict=True)],
    "generator": lambda: iter(batches()),
    "iterable": lambda: dict.fromkeys(range(3), X).values(),
    "function": lambda: lambda: (X, Y),
    "generator function": lambda: lambda: iter(batches()),
    "class": lambda: Noisy,
}
UNLABELLED = {"tensor", "array", "lists", "iterable"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_fed_again_the_same_and_leaves_no_trace(kind):
    data = KINDS[kind]()
    before = states()
    feed = open_data(data, seed=3)
    first, again = list(feed), list(feed)
    assert states() == before
    assert feed.has_labels is (kind not in UNLABELLED)
    assert len(first) == len(again) == feed.info.batches
    assert feed.samples in (None, feed.info.samples)
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.inputs[0], two.inputs[0])
        assert one.samples == len(one.inputs[0])
        if feed.has_labels:
            assert torch.equal(labels_of(one), labels_of(two))
            assert labels_of(one).dtype == torch.int64


def test_the_seed_decides_what_random_data_gives():
    one, two = (next(iter(open_data(Noisy(), seed=seed))).inputs[0] for seed in (1, 2))
    assert not torch.equal(one, two)


def test_random_numbers_of_the_consumer_go_on_as_without_us():
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    got = [torch.rand(1) for _ in zip(range(3), open_data(DataLoader(Noisy(), 5)), strict=False)]
    assert torch.equal(torch.cat(got), wanted)


@pytest.mark.parametrize(
    "kind",
    ["tensor", "pair", "dict", "loader", "shuffled loader", "data set", "batches", "samples"],
)
def test_max_samples_is_a_random_sample_in_ascending_order(kind):
    feed = open_data(KINDS[kind](), max_samples=30)
    fed = inputs_of(feed)[:, 0]
    assert feed.samples == len(fed) == 30
    assert torch.equal(fed, fed.sort().values)
    assert fed.max() > 150  # not the head
    assert "a random sample of 30 of 100 samples was fed" in feed.notes
    other = open_data(KINDS[kind](), max_samples=30, seed=1)
    assert not torch.equal(fed, inputs_of(other)[:, 0])


def test_labels_stay_with_their_samples():
    for kind in ("pair", "loader", "batches"):
        for batch in open_data(KINDS[kind](), max_samples=30, batch_size=7):
            assert torch.equal(labels_of(batch), (batch.inputs[0][:, 0] / 3).long() % 4)
            assert batch.samples <= 7


@pytest.mark.parametrize("kind", ["tensor", "array", "batches", "loader"])
def test_a_model_that_works_in_place_leaves_the_data_alone(kind):
    data = KINDS[kind]()
    feed = open_data(data)
    for batch in feed:
        batch.inputs[0].zero_()
    assert torch.equal(inputs_of(feed), torch.arange(300.0).reshape(100, 3))


def test_a_sample_of_a_loader_stays_within_its_sampler():
    half = SubsetRandomSampler(range(50))
    feed = open_data(DataLoader(PAIRS, 16, sampler=half), max_samples=20)
    fed = inputs_of(feed)[:, 0]
    assert len(fed) == feed.samples == 20
    assert fed.max() < 150
    assert open_data(DataLoader(PAIRS, 16, drop_last=True)).samples == 96


def test_of_an_endless_stream_the_head_is_taken_and_said():
    feed = open_data(Endless(), max_samples=10, batch_size=4)
    assert [batch.samples for batch in feed] == [4, 4, 2]
    assert feed.notes == ("at most the first 10 samples were fed: the length isn't known",)


def test_large_batches_are_split_and_small_ones_left():
    feed = open_data([(X[:10], Y[:10]), (X[10:13], Y[10:13])], batch_size=4)
    assert [batch.samples for batch in feed] == [4, 4, 2, 3]


class TwoInputs(nn.Module):
    def forward(self, left, right):
        return left + right


class Masked(nn.Module):
    def forward(self, input_ids=None, attention_mask=None, labels=None):
        return input_ids


@pytest.mark.parametrize(
    ("data", "module", "positional", "names", "labelled"),
    [
        ((X, X), TwoInputs(), 2, [], False),
        ((X, X, Y), TwoInputs(), 2, [], True),
        (((X, X), Y), TwoInputs(), 2, [], True),
        ({"left": X, "right": X, "y": Y}, TwoInputs(), 0, ["left", "right"], True),
        (({"left": X, "right": X}, Y), TwoInputs(), 0, ["left", "right"], True),
        ([(X, X, Y)], TwoInputs(), 2, [], True),
        ([{"left": X, "right": X, "y": Y}], TwoInputs(), 0, ["left", "right"], True),
        ({"input_ids": X, "attention_mask": X, "labels": Y, "idx": Y}, Masked(), 0,
         ["input_ids", "attention_mask"], True),
        ((X, Y, X), nn.Linear(3, 1), 1, [], True),
        ({"features": X}, nn.Linear(3, 1), 1, [], False),
        ({"anything": X}, nn.Linear(3, 1), 1, [], False),
    ],
)  # fmt: skip
def test_the_forward_tells_inputs_from_labels(data, module, positional, names, labelled):
    (batch,) = open_data(data, module=module)
    assert len(batch.inputs) == positional
    assert list(batch.kwargs) == names
    assert (batch.labels is not None) is labelled
    if labelled:
        assert torch.equal(labels_of(batch), Y)


class TakesApart(nn.Module):
    """Its one argument is a pair, as in attacut."""

    def forward(self, inputs):
        ids, lengths = inputs
        return ids, lengths


@pytest.mark.parametrize("labels", [None, Y])
def test_a_forward_with_one_argument_gets_a_pair_as_one(labels):
    lengths = torch.arange(100)
    feed = open_data([((X, lengths.numpy()), labels)], module=TakesApart(), batch_size=30)
    found = list(feed)

    assert [batch.samples for batch in found] == [30, 30, 30, 10]
    for batch, begin in zip(found, range(0, 100, 30), strict=True):
        ((ids, widths),) = batch.inputs
        assert torch.equal(ids, X[begin : begin + 30])
        assert torch.equal(widths, lengths[begin : begin + 30])


def test_a_sample_of_pairs_keeps_them_together():
    feed = open_data([((X, Y), Y)], module=TakesApart(), max_samples=7)
    (batch,) = feed
    ((x, y),) = batch.inputs

    assert len(x) == len(y) == batch.samples == 7
    assert torch.equal(y, labels_of(batch))
    assert torch.equal(x[:, 0].long() // 3 % 4, y)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((X, Y[:-1]), "the lengths differ: x 100 and the labels 99 samples"),
        ([], "the data is an empty list"),
        (X[:0], "the data has no samples"),
        (TensorDataset(X[:0]), "the data has no samples"),
        (iter(()), "gave no samples"),
        (DataLoader(TensorDataset(X[:0], Y[:0])), "gave no samples"),
        (nn.Linear(1, 1), r"the data is a model \(Linear\)"),
        (5, "cannot feed a int to a model"),
        ({}, "there is no array in the data"),
        ({"y": Y}, "nothing but labels"),
        ([[1.0, 2.0], [1.0]], "the rows of the data have different lengths"),
        (np.array([{}, 1], dtype=object), "x holds Python objects, not numbers"),
        (torch.tensor(1.0), "x is a single number"),
        (lambda needed: X, r"calling <lambda>\(\) for data failed: TypeError"),
        (lambda: 1 / 0, "failed: ZeroDivisionError: division by zero"),
        (lambda: None, "cannot feed a NoneType"),
        ([(X, ["a"] * 100)], "labels of batch 0 are <U1, not numbers"),
        ([(X[:4], torch.eye(4)), (X[:4], torch.rand(4, 4))], "not one-hot, unlike the first"),
    ],
)
def test_what_cannot_be_fed_is_said(data, says):
    with pytest.raises(DataError, match=says):
        list(open_data(data))


def test_an_error_in_the_users_data_says_which_batch():
    def failing():
        yield X
        raise ValueError("bad \x1b row")

    feed = open_data(failing)
    with pytest.raises(
        DataError, match="reading batch 1 of the data failed: ValueError: bad � row"
    ):
        list(feed)


def test_labels_from_python_and_beside_a_loader():
    (batch,) = open_data(X, labels=Y.tolist())
    assert torch.equal(labels_of(batch), Y)
    with pytest.raises(DataError, match="labels given beside a DataLoader cannot be matched"):
        open_data(DataLoader(PAIRS), labels=Y)


def test_sizes_below_one_are_usage_errors():
    with pytest.raises(UsageError, match="--batch-size is 0"):
        open_data(X, batch_size=0)
    with pytest.raises(UsageError, match="--max-samples is 0"):
        open_data(X, max_samples=0)


def test_a_feed_is_handed_back():
    feed = open_data(X)
    assert open_data(feed) is feed
    assert isinstance(feed, Feed)


@pytest.mark.parametrize(("shape", "size"), [((30,), 256), ((3, 8, 8), 64), ((3, 512, 512), 12)])
def test_the_default_batch_size_goes_by_the_sample(shape, size):
    assert open_data(np.zeros((300, *shape), np.uint8)).batch_size == size
