"""One view for every layout, and blocks of bounded size that cover it once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actdiag.stats import layout
from actdiag.stats.layout import arrange, as_float, columns, groups
from actdiag.stats.scratch import readable
from tests.stats.values import tensors


@pytest.mark.usefixtures("tiny_blocks")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tensor=tensors(dtypes=(torch.float32,), spoiled=False), data=st.data())
def test_blocks_cover_a_tensor_once_without_copying(tensor, data):
    axes = st.none() | st.integers(0, tensor.dim() - 1)
    unit_axis, sample_axis = data.draw(axes), data.draw(axes)
    samples = 1 if sample_axis is None else tensor.shape[sample_axis]
    view = arrange(tensor, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
    assert view.values.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
    blocks = [block for part in columns(view.values) for group in groups(part) for block in group]
    assert all(block.numel() <= 8 or block[0, 0].numel() == 1 for block in blocks)
    together = torch.cat([block.flatten() for block in blocks])
    assert torch.equal(together.sort().values, tensor.flatten().sort().values)
    assert view.by_unit == (unit_axis is not None)
    if view.by_unit:
        assert view.values.shape[1] == tensor.shape[unit_axis]


@pytest.mark.parametrize(
    ("shape", "unit_axis", "sample_axis", "samples", "wanted"),
    [
        ((8, 3, 5, 5), 1, 0, 8, (8, 3, 25)),
        ((8, 7, 3), -1, 0, 8, (8, 3, 7)),
        ((7, 8, 3), -1, 1, 8, (8, 3, 7)),
        ((56, 3), 1, 0, 8, (8, 3, 7)),
        ((56, 3), 1, 0, 9, (1, 3, 56)),
        ((8, 3), None, 0, 8, (8, 1, 3)),
        ((8, 3), 0, 0, 8, (1, 8, 3)),
        ((8, 3), None, None, 8, (1, 1, 24)),
        ((), None, None, 8, (1, 1)),
    ],
)
def test_samples_units_positions(shape, unit_axis, sample_axis, samples, wanted):
    view = arrange(
        torch.zeros(shape), unit_axis=unit_axis, sample_axis=sample_axis, samples=samples
    )
    assert tuple(view.values.shape) == wanted


def test_channels_last_is_walked_where_it_lies():
    tensor = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    view = arrange(tensor, unit_axis=1, sample_axis=0, samples=2)
    assert view.values.shape == (2, 3, 20)
    assert view.values.stride() == (60, 1, 3)


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        (torch.bfloat16, torch.float32),
        (torch.int8, torch.float32),
        (torch.bool, torch.float32),
        (torch.int32, torch.float64),
        (torch.float64, torch.float64),
        (torch.complex64, torch.float32),
        (torch.complex128, torch.float64),
    ],
)
def test_values_are_read_in_the_narrowest_type_that_holds_them(dtype, wanted):
    tensor = torch.ones(2, 3, 4, dtype=dtype)
    assert as_float(tensor).dtype == readable(tensor).dtype == wanted
    assert torch.equal(as_float(tensor), readable(tensor))


def test_short_rows_are_turned_around():
    tensor = torch.rand(4, 6, 9)
    turned = readable(tensor)
    assert turned.stride() == (54, 1, 6)
    assert torch.equal(turned, tensor)


def test_positions_that_lie_farther_apart_than_samples_are_cut(monkeypatch):
    monkeypatch.setattr(layout, "BLOCK_ELEMENTS", 100)
    tensor = torch.rand(30, 4, 5)  # positions, samples, units
    view = arrange(tensor, unit_axis=2, sample_axis=1, samples=4)
    ((first, *others),) = groups(view.values)
    assert first.shape == (4, 5, 5)
    assert len(others) == 5
    assert first.untyped_storage().data_ptr() == readable(first).untyped_storage().data_ptr()
    gaps = torch.rand(30, 8, 5)[:, :4]
    apart = arrange(gaps, unit_axis=2, sample_axis=1, samples=4).values[:, :, :5]
    assert apart.stride() == (5, 1, 40)
    assert readable(apart).stride() == (25, 1, 5)


def test_sparse_and_negated_views_are_read():
    tensor = torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    assert torch.equal(arrange(tensor.to_sparse(), unit_axis=1).values[0].T, tensor)
    conjugate = torch.tensor([1 + 2j]).conj().imag
    assert arrange(conjugate, unit_axis=None).values.item() == -2
