"""The stream of gradients against numpy, however it is cut."""

import numpy as np
import pytest
import torch

from actdiag.records import GradientStats
from actdiag.stats.gradients import GradientAccumulator


def streamed(*parts):
    total = GradientAccumulator()
    for part in parts:
        total.update(part)
    return total.to_record()


def test_the_numbers_are_numpys():
    values = torch.randn(40, 7, dtype=torch.float64)
    values[3] = 0
    values[4, 2], values[5, 1] = torch.inf, torch.nan
    told = streamed(values)
    finite = values.numpy()[np.isfinite(values.numpy())]
    assert (told.elements, told.nonfinite) == (280, 2)
    assert told.rms == pytest.approx(np.sqrt((finite**2).mean()))
    assert told.max == np.abs(finite).max()
    assert told.zero_fraction == pytest.approx(7 / 280)


def test_any_partition_gives_the_same():
    values = torch.randn(64, 3)
    whole, parts = streamed(values), streamed(*values.split((1, 30, 33)))
    left, right = GradientAccumulator(), GradientAccumulator()
    left.update(values[:5])
    right.update(values[5:])
    left.merge(right)
    for other in (parts, left.to_record()):
        assert (other.elements, other.max) == (whole.elements, whole.max)
        assert other.rms == pytest.approx(whole.rms, rel=1e-12)


def test_tiny_and_large_halves_are_squared_in_float64():
    assert streamed(torch.full((9,), 1e-30)).rms == pytest.approx(1e-30)
    assert streamed(torch.full((9,), 6e4, dtype=torch.float16)).rms == pytest.approx(6e4, rel=1e-3)


def test_nothing_and_nothing_finite():
    assert streamed() == streamed(torch.empty(0)) == GradientStats()
    told = streamed(torch.full((2,), torch.nan))
    assert (told.elements, told.rms, told.nonfinite) == (2, None, 2)
