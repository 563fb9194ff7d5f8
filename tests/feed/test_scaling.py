"""--transform: by the whole data, checked against numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

from actdiag.errors import DataError, UsageError
from actdiag.feed import open_data
from actdiag.feed.scaling import Moments
from tests.feed.reading import inputs_of

RNG = np.random.default_rng(0)


def whole(feed):
    return inputs_of(feed).numpy()


@pytest.mark.parametrize(
    ("shape", "module", "axes"),
    [
        ((500, 4), None, (0,)),
        ((70, 3, 5, 6), nn.Conv2d(3, 1, 1), (0, 2, 3)),
        ((70, 9, 4), nn.Linear(4, 1), (0, 1)),
        ((70, 4, 9), nn.Conv1d(4, 1, 1), (0, 2)),
        ((70,), None, (0,)),
    ],
)
def test_standardize_and_scale01_agree_with_numpy(shape, module, axes):
    x = RNG.normal(1000, 3, shape) * np.arange(1, shape[-1] + 1)
    fed = whole(open_data(x, module=module, transform="standardize", batch_size=13))
    x = x.astype(np.float32).astype(np.float64)
    wanted = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True)
    assert np.allclose(fed, wanted, atol=1e-5)
    low, high = x.min(axes, keepdims=True), x.max(axes, keepdims=True)
    fed = whole(open_data(x, module=module, transform="scale01", batch_size=13))
    assert np.allclose(fed, (x - low) / (high - low), atol=1e-5)


def test_nan_and_constant_features_are_left_out_of_the_statistics():
    x = np.array([[1.0, 7.0, np.nan], [3.0, 7.0, np.nan], [np.inf, 7.0, np.nan]])
    fed = whole(open_data(x, transform="standardize"))
    assert np.allclose(fed[:2, 0], [-1, 1])
    assert np.all(fed[:, 1] == 0)
    assert np.isnan(fed[:, 2]).all()


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40),
    st.integers(1, 39),
    st.floats(-1e9, 1e9),
)
@example([0.8, 0.8, 0.8], 1, 0.0)  # constant, yet its mean is rounded
def test_moments_do_not_depend_on_the_split(values, cut, offset):
    x = torch.tensor(values, dtype=torch.float64)[:, None] + offset
    one, two = Moments(1), Moments(1)
    one.update(x)
    for part in (x[:cut], x[cut:]):
        if len(part):
            two.update(part)
    for a, b in zip(one.standardize(), two.standardize(), strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-6)
    assert torch.equal(one.low, two.low)


def test_the_whole_data_counts_not_the_batch():
    x = np.repeat([[0.0], [10.0]], 50, axis=0)
    batches = list(open_data(x, transform="scale01", batch_size=50))
    assert batches[0].inputs[0].max() == 0
    assert batches[1].inputs[0].min() == 1


def test_ids_are_not_scaled():
    with pytest.raises(UsageError, match="--transform standardize cannot be applied"):
        open_data(np.ones((3, 2), int), module=nn.Embedding(3, 2), transform="standardize")


def test_a_function_of_the_users(tmp_path):
    (tmp_path / "mine.py").write_text("def double(x):\n    return x * 2\nnothing = 3\n")
    x = np.ones((4, 3), np.float32)
    feed = open_data(x, transform=f"{tmp_path}/mine.py:double")
    assert (whole(feed) == 2).all()
    assert "mine.py:double" in feed.notes[0]
    assert (whole(open_data(x, transform=lambda x: x.numpy() + 1)) == 2).all()
    with pytest.raises(DataError, match="is not a function"):
        open_data(x, transform=f"{tmp_path}/mine.py:nothing")
    with pytest.raises(DataError, match="the function of --transform failed: ZeroDivisionError"):
        open_data(x, transform=lambda x: 1 / 0)
    with pytest.raises(DataError, match="returned a str"):
        open_data(x, transform=lambda x: "text")


def test_an_unknown_transform():
    with pytest.raises(UsageError, match="--transform standardise is not known"):
        open_data(np.ones((4, 3)), transform="standardise")
