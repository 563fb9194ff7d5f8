"""Calibration figures against torchmetrics and numpy."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from actdiag.stats.calibration import (
    COOLEST,
    HOTTEST,
    bin_sums,
    brier,
    expected_calibration_error,
    fit_temperature,
    maximum_calibration_error,
    negative_log_likelihood,
    reliability,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torchmetrics.functional.classification import multiclass_calibration_error


def drawn(seed, answers=200, classes=5, sharpness=3.0):
    """Logits and labels that agree more often than chance."""
    generator = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(answers, classes, generator=generator)
    labels = torch.multinomial((logits / 2).softmax(1), 1, generator=generator).squeeze(1)
    return logits, labels


@given(seed=st.integers(0, 10**6), bins=st.integers(1, 30), classes=st.integers(2, 8))
def test_calibration_errors_equal_torchmetrics(seed, bins, classes):
    # torchmetrics puts a confidence of 1 into a bin of its own
    logits, labels = drawn(seed, classes=classes, sharpness=1.0)
    shares = logits.double().softmax(1)
    confidence, predicted = shares.max(1)
    mean = multiclass_calibration_error(shares, labels, classes, n_bins=bins, norm="l1")
    most = multiclass_calibration_error(shares, labels, classes, n_bins=bins, norm="max")
    found = expected_calibration_error(confidence, predicted == labels, bins=bins)
    assert found == pytest.approx(mean.item(), abs=1e-6)
    found = maximum_calibration_error(confidence, predicted == labels, bins=bins)
    assert found == pytest.approx(most.item(), abs=1e-6)


@given(seed=st.integers(0, 10**6), answers=st.integers(1, 90))
def test_adaptive_bins_hold_equal_numbers(seed, answers):
    logits, labels = drawn(seed, answers=answers)
    confidence, predicted = logits.double().softmax(1).max(1)
    correct = predicted == labels
    order = np.argsort(confidence.numpy(), kind="stable")
    away = (confidence.numpy() - correct.numpy())[order]
    wanted = sum(abs(part.sum()) for part in np.array_split(away, min(15, answers))) / answers
    found = expected_calibration_error(confidence, correct, adaptive=True)
    assert found == pytest.approx(wanted, abs=1e-12)


def test_a_bin_holds_its_upper_edge_and_the_first_one_zero():
    confidence = torch.tensor([0.0, 0.2, 0.2000001, 1.0], dtype=torch.float64)
    assert bin_sums(confidence, torch.ones(4), bins=5)[0].tolist() == [2, 1, 0, 0, 1]


def test_bins_of_parts_add_up():
    confidence, correct = torch.rand(50), torch.rand(50) < 0.5
    parts = [bin_sums(*part) for part in zip(confidence.split(7), correct.split(7), strict=True)]
    assert torch.allclose(torch.stack(parts).sum(0), bin_sums(confidence, correct))


def test_the_reliability_diagram_leaves_empty_bins_without_numbers():
    bins = reliability(bin_sums(torch.tensor([0.9, 0.95]), torch.tensor([True, False]), bins=2))
    assert (bins[0].samples, bins[0].confidence, bins[0].accuracy) == (0, None, None)
    assert (bins[1].low, bins[1].high, bins[1].samples, bins[1].accuracy) == (0.5, 1.0, 2, 0.5)
    assert bins[1].confidence == pytest.approx(0.925)


@given(seed=st.integers(0, 10**6))
def test_nll_and_brier_equal_sklearn_and_numpy(seed):
    logits, labels = drawn(seed)
    shares = logits.double().softmax(1)
    wanted = log_loss(labels.numpy(), shares.numpy(), labels=range(5))
    assert negative_log_likelihood(shares.log(), labels) == pytest.approx(wanted, rel=1e-9)
    distance = ((shares.numpy() - np.eye(5)[labels.numpy()]) ** 2).sum(1).mean()
    assert brier(shares, labels) == pytest.approx(distance, rel=1e-12)


def test_nothing_has_no_error():
    none = torch.empty(0)
    assert expected_calibration_error(none, none) is None
    assert expected_calibration_error(none, none, adaptive=True) is None
    assert maximum_calibration_error(none, none) is None
    assert brier(torch.empty(0, 3), torch.empty(0, dtype=torch.int64)) is None
    assert negative_log_likelihood(torch.empty(0, 3), torch.empty(0, dtype=torch.int64)) is None


@given(seed=st.integers(0, 10**6), sharpness=st.floats(0.3, 30))
def test_the_temperature_is_that_of_a_bounded_search(seed, sharpness):
    logits, labels = drawn(seed, sharpness=sharpness)

    def nll(log_temperature):
        scaled = logits.double() / math.exp(log_temperature)
        return negative_log_likelihood(scaled.log_softmax(1), labels)

    bounds = (math.log(COOLEST), math.log(HOTTEST))
    search = minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    found = fit_temperature(logits, labels)
    assert nll(math.log(found)) <= search.fun + 1e-9
    assert COOLEST <= found <= HOTTEST


def test_logits_made_too_sharp_get_their_temperature_back():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 10, generator=generator) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    assert fit_temperature(logits * 4, labels) == pytest.approx(4, rel=0.05)
    assert fit_temperature(logits / 4, labels) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("scale", [1e6, 1e12])
def test_exploded_logits_are_scaled_back(scale):
    logits, labels = drawn(0, answers=4000)
    wanted = scale * fit_temperature(logits, labels)
    assert fit_temperature(logits.double() * scale, labels) == pytest.approx(wanted, rel=1e-6)


def test_answers_that_are_all_right_or_all_wrong_go_to_the_ends():
    logits = torch.eye(4) * 5
    labels = torch.arange(4)
    assert COOLEST <= fit_temperature(logits, labels) < 0.1
    assert fit_temperature(logits, labels.roll(1)) == pytest.approx(HOTTEST, rel=0.01)


def test_logits_that_say_nothing_keep_a_finite_temperature():
    assert math.isfinite(fit_temperature(torch.zeros(6, 3), torch.zeros(6, dtype=torch.int64)))
