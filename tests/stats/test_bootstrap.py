"""The bootstrap of a change of calibration, against scipy's and against the truth."""

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap

from actdiag.stats.bootstrap import change_intervals
from actdiag.stats.calibration import expected_calibration_error


def drawn(seed, answers=300, sharpness=2.0):
    """Logits that are too sharp by that factor, and labels."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(answers, 5, generator=generator).double()
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    return (logits * sharpness).log_softmax(1), logits.log_softmax(1), labels


def error(logs, labels):
    confidence, predicted = logs.exp().max(1)
    return expected_calibration_error(confidence, predicted == labels)


def test_the_intervals_are_those_of_scipy():
    before, after, labels = drawn(0)

    def nll(index):
        chosen = torch.as_tensor(np.asarray(index, dtype=int))
        rows = (before - after)[chosen].gather(1, labels[chosen].unsqueeze(1))
        return rows.mean().item()

    def ece(index):
        chosen = torch.as_tensor(np.asarray(index, dtype=int))
        return error(after[chosen], labels[chosen]) - error(before[chosen], labels[chosen])

    for found, statistic in zip(change_intervals(before, after, labels), (nll, ece), strict=True):
        wanted = bootstrap(
            (np.arange(300),),
            statistic,
            n_resamples=600,
            vectorized=False,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        width = wanted.high - wanted.low
        assert found == pytest.approx((wanted.low, wanted.high), abs=0.2 * width)


def test_most_intervals_hold_the_true_change_of_nll():
    before, after, labels = drawn(1, answers=100_000)
    true = (before - after).gather(1, labels.unsqueeze(1)).mean().item()
    held = 0
    for seed in range(40):
        (low, high), _ = change_intervals(*drawn(seed + 2))
        held += low <= true <= high
    assert held >= 34


def test_no_change_is_none_and_the_seed_decides():
    before, after, labels = drawn(0)
    assert change_intervals(before, before, labels) == ((0.0, 0.0), (0.0, 0.0))
    assert change_intervals(before, after, labels) == change_intervals(before, after, labels)
    assert change_intervals(before, after, labels) != change_intervals(
        before, after, labels, seed=1
    )
