"""Parts of the batches: together they are the feed, in order, and each sample keeps its number."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from actdiag.feed import open_data, synthetic
from actdiag.feed.parts import Part

X, Y = torch.arange(130.0).view(65, 2), torch.arange(65)


def jittered(x):
    return x + torch.rand_like(x)


FEEDS = {
    "array": lambda: open_data((X, Y), batch_size=8),
    "sample": lambda: open_data((X, Y), batch_size=8, max_samples=30),
    "scaled": lambda: open_data((X, Y), batch_size=8, transform="standardize"),
    "random transform": lambda: open_data((X, Y), batch_size=8, transform=jittered),
    "list of batches": lambda: open_data([(X[:5], Y[:5]), (X[5:30], Y[5:30]), (X[30:], Y[30:])]),
    "shuffled loader": lambda: open_data(
        DataLoader(TensorDataset(X, Y), batch_size=6, shuffle=True), batch_size=4
    ),
    "iterable": lambda: open_data(batch for batch in [X[:9], X[9:40]]),
    "synthetic": lambda: synthetic(nn.Linear(2, 2), samples=21, batch_size=4),
}


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("of", [1, 2, 3, 20])
def test_parts_are_the_batches_of_the_whole_in_order(name, of):
    whole = list(FEEDS[name]())
    feed = FEEDS[name]()
    first, found = 0, []
    for number in range(of):
        part = feed.part(Part(number, of))
        assert part.first == first
        assert part.whole == (sum(batch.samples for batch in whole), len(whole))
        batches = list(part)
        assert part.samples == sum(batch.samples for batch in batches)
        first += part.samples
        found += batches
    assert len(found) == len(whole)
    for one, other in zip(found, whole, strict=True):
        assert torch.equal(one.inputs[0], other.inputs[0])
        assert (one.labels is None) == (other.labels is None)
        assert one.labels is None or torch.equal(one.labels, other.labels)


@given(st.integers(0, 500), st.integers(1, 60))
def test_spans_cover_all_batches_once_and_differ_by_one(batches, of):
    spans = [Part(number, of).span(batches) for number in range(of)]
    assert spans[0][0] == 0
    assert spans[-1][1] == batches
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    lengths = [stop - start for start, stop in spans]
    assert max(lengths) - min(lengths) <= 1
    assert lengths[0] == max(lengths)


def test_rows_of_other_parts_are_not_read():
    read = []

    class Noting:
        shape, dtype = (64, 3), torch.zeros(1).numpy().dtype

        def __getitem__(self, place):
            read.extend(torch.arange(64)[torch.as_tensor(place)].tolist())
            return torch.zeros(len(torch.as_tensor(place)), 3).numpy()

    from actdiag.feed.aligned import Aligned
    from actdiag.feed.parts import sizes, window

    source = Aligned((Noting(),), batch_size=8)
    list(window(source, Part(1, 4), sizes(source)))
    assert read == list(range(16, 32))
