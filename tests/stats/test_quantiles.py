"""Quantiles from buckets against numpy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actdiag.stats import picks, quantiles
from actdiag.stats.layout import arrange
from actdiag.stats.picks import Bounds, even_stride, picked
from actdiag.stats.quantiles import PICKS, QUANTILES, Buckets
from tests.stats.values import laid_out, tensors

CPU = torch.device("cpu")
FIRST = torch.zeros(1, dtype=torch.int64)
HUNDRED = Bounds(100, 1000)  # a hundred of each of the first ten samples


def quantiles_of(tensor):
    buckets = Buckets(CPU)
    buckets.add(arrange(tensor, unit_axis=None).values, FIRST)
    return buckets.quantiles(tensor.min().item(), tensor.max().item())


def assert_within_one_percent(found, values):
    ordered = np.sort(values.astype(np.float64).ravel())
    for name in QUANTILES:
        rank = (len(ordered) - 1) * float(name)
        near = max(abs(ordered[math.floor(rank)]), abs(ordered[math.ceil(rank)]))
        wanted = np.quantile(ordered, float(name))
        assert abs(found[name] - wanted) <= 0.01 * near + 2e-40, name


@given(tensor=tensors(dtypes=(torch.float32, torch.float16), spoiled=False))
def test_quantiles_are_within_one_percent(tensor):
    assert_within_one_percent(quantiles_of(tensor), tensor.numpy())


def test_quantiles_of_a_narrow_spread_far_from_zero_are_interpolated():
    tensor = 5 + 0.1 * torch.randn(4000, generator=torch.Generator().manual_seed(1))
    found = quantiles_of(tensor)
    for name in QUANTILES:
        assert found[name] == pytest.approx(np.quantile(tensor.numpy(), float(name)), abs=0.01)


def test_half_zeros_have_a_median_of_exactly_zero():
    found = quantiles_of(torch.tensor([0.0, -0.0, 0.0, 1.0, 2.0]))
    assert found["0.25"] == found["0.5"] == 0


def test_values_beyond_float32_count_at_its_end_and_stay_within_the_extremes():
    found = quantiles_of(torch.tensor([-1e300, 1e-300, 1e300], dtype=torch.float64))
    assert found["0.5"] == 0
    assert 3e38 < found["0.99"] < 1e300
    assert -1e300 < found["0.01"] < -3e38


def test_nan_and_infinity_are_left_out():
    buckets = Buckets(CPU)
    clean = torch.arange(1.0, 101.0)
    spoiled = torch.cat((clean, torch.tensor([math.nan, math.inf, -math.inf]).repeat(50)))
    for tensor in (spoiled, spoiled.double()):
        buckets = Buckets(CPU)
        buckets.add(arrange(tensor, unit_axis=None).values, FIRST)
        assert_within_one_percent(buckets.quantiles(1.0, 100.0), clean.numpy())


def test_counts_do_not_overflow(monkeypatch):
    monkeypatch.setattr(quantiles, "_MOST", 100)
    monkeypatch.setattr(quantiles, "MOST_WAITING", 10)
    buckets = Buckets(CPU)
    for _ in range(7):
        buckets.add(torch.ones(1, 1, 40), FIRST)
    twin = Buckets(CPU)
    twin.merge(buckets)
    twin.merge(buckets)
    assert buckets.recent.sum() == 40
    assert buckets.counts().sum() == 280
    assert twin.counts().sum() == 560


def test_nothing_has_no_quantiles():
    assert set(Buckets(CPU).quantiles(0, 0).values()) == {None}


@given(total=st.integers(1, 10**7), limit=st.integers(1, 5000))
def test_the_stride_is_odd_and_shares_no_factor(total, limit):
    stride = even_stride(total, limit)
    assert stride % 2 == 1
    assert math.gcd(stride, total) == 1
    assert math.ceil(total / stride) <= limit


@pytest.mark.parametrize("way", range(5))
def test_a_large_sample_gives_the_same_picks_in_every_layout_and_batch(way):
    tensor = laid_out(torch.arange(6 * 8 * 10 * 12.0).reshape(6, 8, 10, 12), way)
    view = arrange(tensor, unit_axis=1, sample_axis=0, samples=6).values
    numbers = torch.arange(6)
    together = torch.cat([piece.values.flatten() for piece in picked(view, HUNDRED, numbers)])
    single = [
        piece.values.flatten()
        for part, number in zip(tensor.split(1), numbers.split(1), strict=True)
        for piece in picked(arrange(part, unit_axis=1, sample_axis=0).values, HUNDRED, number)
    ]
    flat = tensor.reshape(6, -1)
    assert torch.equal(together, flat[:, :: even_stride(960, 100)].flatten())
    assert torch.equal(together, torch.cat(single))
    assert len(together) <= 600


def test_picks_meet_every_channel():
    channels = torch.arange(64.0).view(1, 64, 1, 1).expand(1, 64, 32, 32)
    view = arrange(channels, unit_axis=1, sample_axis=0).values
    found = torch.cat([piece.values.flatten() for piece in picked(view, PICKS, FIRST)])
    counts = torch.bincount(found.long(), minlength=64)
    assert counts.min() > 0.9 * counts.max()


def test_quantiles_of_a_large_sample_are_near_the_whole():
    tensor = torch.randn(2, 300_000, generator=torch.Generator().manual_seed(0)).relu()
    buckets = Buckets(CPU)
    view = arrange(tensor, unit_axis=None, sample_axis=0, samples=2)
    buckets.add(view.values, torch.arange(2))
    found = buckets.quantiles(0.0, tensor.max().item())
    assert found["0.25"] == 0
    assert found["0.95"] == pytest.approx(np.quantile(tensor.numpy(), 0.95), rel=0.05)


def numbered_views(values, sizes):
    """Batches of rows with their numbers."""
    numbers = torch.arange(len(values))
    for rows, own in zip(values.split(sizes), numbers.split(sizes), strict=True):
        yield arrange(rows, unit_axis=1, sample_axis=0, samples=len(rows)).values, own


def test_late_samples_give_fewer_picks_that_stand_for_more_values():
    values = torch.arange(2000.0 * 64).view(2000, 64)
    pieces = [
        piece for view, own in numbered_views(values, 100) for piece in picked(view, HUNDRED, own)
    ]
    assert sum(piece.values.numel() * piece.weight for piece in pieces) == values.numel()
    assert pieces[0].weight == 1
    assert pieces[-1].weight == 64
    late = torch.cat([piece.values.flatten() for piece in pieces[-9:]])
    assert len(late.remainder(64).unique()) == 64  # every unit has its turn


@pytest.mark.parametrize("sizes", [7, 250])
def test_picks_do_not_depend_on_batches(sizes):
    values = torch.randn(500, 300)
    wanted, found = Buckets(CPU), Buckets(CPU)
    for buckets, size in ((wanted, 500), (found, sizes)):
        for view, own in reversed(list(numbered_views(values, size))):
            buckets.add(view, own)
    assert torch.equal(found.counts(), wanted.counts())


@given(
    places=st.integers(1, 5000),
    budget=st.integers(1, 9000),
    first=st.integers(0, 20_000),
    samples=st.integers(1, 300),
)
def test_samples_that_follow_each_other_give_the_picks_of_their_numbers(
    places, budget, first, samples
):
    wanted = picks.chosen_of(places, budget, torch.arange(first, first + samples))
    found = picks._chosen_from(places, budget, first, samples)
    for one, other in zip(found, sorted(wanted, key=lambda pair: pair[0][0]), strict=True):
        assert all(map(torch.equal, one, other))


@pytest.mark.parametrize("seed", range(3))
def test_ranks_of_quantiles_of_many_samples_are_near_the_whole(seed):
    values = torch.randn(4000, 256, generator=torch.Generator().manual_seed(seed))
    values = values * torch.linspace(0.5, 2, 4000).unsqueeze(1)  # later ones differ
    buckets = Buckets(CPU)
    for view, own in numbered_views(values, 500):
        buckets.add(view, own)
    found = buckets.quantiles(values.min().item(), values.max().item())
    for name, value in found.items():
        rank = (values < value).double().mean().item()
        wanted = float(name)
        assert abs(rank - wanted) < 4 * math.sqrt(wanted * (1 - wanted)) / 128
