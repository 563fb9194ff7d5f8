"""Weight statistics against numpy and torch.nn.init."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from actdiag.stats.weights import identical_rows, weight_stats

WEIGHTS = {
    "linear": nn.Linear(7, 3).weight,
    "conv": nn.Conv2d(4, 6, (3, 5)).weight,
    "grouped conv": nn.Conv1d(4, 6, 3, groups=2).weight,
    "depthwise conv": nn.Conv2d(4, 4, 3, groups=4).weight,
    "transposed-conv": nn.ConvTranspose2d(4, 6, 3).weight,
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_fans_are_those_of_torch(name):
    weight = WEIGHTS[name]
    kind = name.rpartition(" ")[2]
    stats = weight_stats("weight", "", kind, weight, trainable=True)
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
    assert (stats.fan_in, stats.fan_out) == (fan_in, fan_out)
    std = weight.detach().double().numpy().std()
    assert stats.he_ratio == pytest.approx(std / math.sqrt(2 / fan_in), rel=1e-12)
    assert stats.xavier_ratio == pytest.approx(std / math.sqrt(2 / (fan_in + fan_out)), rel=1e-12)


@pytest.mark.parametrize("scheme", ["he", "xavier"])
def test_a_layer_drawn_by_a_scheme_has_its_ratio_near_one(scheme):
    weight = torch.empty(300, 200)
    torch.manual_seed(0)
    if scheme == "he":
        nn.init.kaiming_normal_(weight)
        assert weight_stats("w", "", "linear", weight, True).he_ratio == pytest.approx(1, abs=0.02)
    else:
        nn.init.xavier_uniform_(weight)
        stats = weight_stats("w", "", "linear", weight, True)
        assert stats.xavier_ratio == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kind", ["embedding", "norm", "bias", "buffer", "other"])
def test_what_multiplies_no_signal_has_no_fan(kind):
    stats = weight_stats("w", "", kind, torch.randn(5, 4), True)
    assert (stats.fan_in, stats.fan_out, stats.he_ratio, stats.xavier_ratio) == (None,) * 4
    assert stats.std is not None


def test_numbers_equal_numpy_and_nan_is_counted():
    weight = torch.randn(40, 30)
    weight[3, 4], weight[0, 0] = math.nan, math.inf
    stats = weight_stats("a.weight", "a", "linear", weight, False)
    kept = weight.numpy()[np.isfinite(weight.numpy())].astype(np.float64)
    assert (stats.name, stats.module, stats.trainable) == ("a.weight", "a", False)
    assert (stats.shape, stats.elements, stats.nonfinite) == ((40, 30), 1200, 2)
    assert (stats.min, stats.max) == (kept.min(), kept.max())
    found = (stats.mean, stats.std, stats.rms)
    wanted = (kept.mean(), kept.std(), np.sqrt((kept**2).mean()))
    assert found == pytest.approx(wanted, rel=1e-9)


def test_a_vector_has_neither_fan_nor_rows():
    stats = weight_stats("bias", "", "linear", torch.ones(5), True)
    assert (stats.fan_in, stats.identical_rows, stats.std) == (None, None, 0)


def test_a_meta_tensor_has_a_shape_but_no_numbers():
    stats = weight_stats("w", "", "linear", torch.empty(4, 3, device="meta"), True)
    assert (stats.shape, stats.fan_in) == ((4, 3), 3)
    assert stats.mean is stats.std is stats.identical_rows is stats.he_ratio is None


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(3),
        torch.tensor([[1, 2], [3, 4]]),
        torch.tensor([[True, False], [True, False]]),
        torch.randn(3, 4).half(),
        torch.randn(3, 4).to(torch.float8_e4m3fn),
        torch.empty(0, 3),
        torch.randn(3, 4).to_sparse(),
        torch.randn(3, 4, dtype=torch.complex64),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)} {tensor.layout}",
)
def test_odd_tensors_are_tolerated(tensor):
    stats = weight_stats("w", "", "linear", tensor, False)
    assert stats.elements == tensor.numel()
    assert (stats.mean is None) == (tensor.numel() == 0)


@given(rows=st.lists(st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, 2.0])] * 2), min_size=2))
def test_identical_rows_are_those_numpy_finds(rows):
    array = np.array(rows) + 0.0
    assert identical_rows(torch.tensor(rows)) == len(array) - len(np.unique(array, axis=0))


def test_rows_with_nan_equal_none():
    rows = torch.tensor([[1.0, math.nan], [1.0, math.nan], [1.0, 2.0], [1.0, 2.0]])
    assert identical_rows(rows) == 1


def test_rows_are_slices_along_the_output_axis():
    weight = torch.randn(4, 6, 3, 3)
    weight[:, 2] = weight[:, 5]
    assert weight_stats("w", "", "transposed-conv", weight, True).identical_rows == 1
    assert weight_stats("w", "", "conv", weight, True).identical_rows == 0


def test_constant_weights_are_all_identical_rows():
    assert weight_stats("w", "", "linear", torch.full((50, 4), 0.1), True).identical_rows == 49
