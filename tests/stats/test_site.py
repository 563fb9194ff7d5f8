"""A site's numbers against numpy in float64, however the data is cut, laid out and merged."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actdiag import functions
from actdiag.stats.site import SiteAccumulator
from tests.stats.oracle import between_sample, by_unit, close, unit_numbers
from tests.stats.values import tensors, to_numpy

RELU, SIGMOID, GELU = (functions.get(name) for name in ("relu", "sigmoid", "gelu"))
cut_small = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
pytestmark = pytest.mark.usefixtures("both_backends")


def accumulate(tensor, *, unit_axis=1, sample_axis=0, function=None, samples=None):
    site = SiteAccumulator(None, function)
    if samples is None:
        samples = 1 if sample_axis is None else tensor.shape[sample_axis]
    if function is not None:
        site.update_input(tensor, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
    site.update(tensor, unit_axis=unit_axis, sample_axis=sample_axis, samples=samples)
    return site


def assert_units(units, wanted):
    for name in ("count", "zeros", "positive", "nonfinite"):
        assert list(getattr(units, name)) == wanted[name], name
    extremes = zip(units.min, units.max, strict=True)
    sizes = [max(abs(low or 0), abs(high or 0)) for low, high in extremes]
    for name in ("mean", "std", "mean_abs", "min", "max"):
        pairs = zip(getattr(units, name), wanted[name], sizes, strict=True)
        assert all(close(found, want, size) for found, want, size in pairs), name


@pytest.mark.usefixtures("tiny_blocks")
class TestAnyTensor:
    @cut_small
    @given(tensor=tensors(), data=st.data())
    def test_units_equal_numpy(self, tensor, data):
        axes = st.integers(-tensor.dim(), tensor.dim() - 1)
        unit_axis = data.draw(axes)
        sample_axis = data.draw(st.none() | axes)
        _, units = accumulate(tensor, unit_axis=unit_axis, sample_axis=sample_axis).to_record()
        assert_units(units, unit_numbers(to_numpy(tensor), unit_axis))

    @cut_small
    @given(tensor=tensors())
    def test_the_layer_equals_numpy(self, tensor):
        stats, units = accumulate(tensor, unit_axis=None).to_record()
        array = to_numpy(tensor)
        wanted = unit_numbers(array, None)
        assert units is None
        assert stats.elements == stats.observations == array.size
        assert stats.nan == np.isnan(array).sum()
        assert stats.nonfinite == wanted["nonfinite"][0]
        assert stats.zero_fraction == wanted["zeros"][0] / array.size
        size = max(abs(stats.min or 0), abs(stats.max or 0))
        for name in ("mean", "std", "min", "max"):
            assert close(getattr(stats, name), wanted[name][0], size), name
        if stats.rms is not None:
            assert close(stats.rms**2, stats.mean**2 + stats.std**2)

    @cut_small
    @given(
        tensor=tensors(dtypes=(torch.float32, torch.bfloat16, torch.float64), spoiled=True),
        data=st.data(),
    )
    def test_any_partition_merged_in_any_order_is_the_same(self, tensor, data):
        tensor = tensor if tensor.dim() > 1 else tensor.unsqueeze(1)
        whole = accumulate(tensor, function=GELU).to_record()
        cuts = data.draw(st.lists(st.integers(0, len(tensor)), max_size=4).map(sorted))
        parts = torch.tensor_split(tensor, cuts)
        order = data.draw(st.permutations(range(len(parts))))
        merged = SiteAccumulator(tensor.shape[1], GELU)
        for place in order:
            merged.merge(accumulate(parts[place], function=GELU))
        assert_same(merged.to_record(), whole)
        restored = SiteAccumulator(tensor.shape[1], GELU)
        for place in order:
            restored.restore(accumulate(parts[place], function=GELU).state())
        assert_same(restored.to_record(), whole)
        streamed = SiteAccumulator(None, GELU)
        for part in parts:
            streamed.update_input(part, unit_axis=1, sample_axis=0, samples=len(part))
            streamed.update(part, unit_axis=1, sample_axis=0, samples=len(part))
        assert_same(streamed.to_record(), whole)

    @cut_small
    @given(tensor=tensors(dtypes=(torch.float32, torch.float64), spoiled=False), data=st.data())
    def test_between_sample_is_the_explained_share_of_the_variance(self, tensor, data):
        tensor = tensor if tensor.dim() > 1 else tensor.unsqueeze(1)
        sample_axis = data.draw(st.integers(0, tensor.dim() - 1))
        unit_axis = (sample_axis + 1) % tensor.dim()
        site = accumulate(tensor, unit_axis=unit_axis, sample_axis=sample_axis)
        found = site.to_record()[0].between_sample
        array = to_numpy(tensor).astype(np.float64)
        if tensor.shape[sample_axis] < 2:
            assert found is None
        elif array.min() == array.max():
            assert found == 0
        elif array.var() > 1e-290 and array.std() > 1e-9 * np.abs(array).max():
            wanted = between_sample(array, unit_axis, sample_axis)
            assert found == pytest.approx(min(wanted, 1.0), rel=1e-9, abs=1e-20)


def assert_same(found, wanted):
    """Records that agree: integers exactly, floats to nine digits."""
    for one, other in zip(found, wanted, strict=True):
        size = max(abs(wanted[0].min or 0), abs(wanted[0].max or 0))
        for field in dataclasses.fields(other):
            left, right = getattr(one, field.name), getattr(other, field.name)
            if isinstance(right, dict):
                assert left == right, field.name
                continue
            rows = zip(left, right, strict=True) if isinstance(right, tuple) else [(left, right)]
            for a, b in rows:
                scale = size if field.name in ("mean", "std", "mean_abs", "rms") else 1e-4
                same = close(a, b, scale) if isinstance(b, float) else a == b
                assert same, (field.name, a, b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_large_mean_leaves_a_small_deviation_its_digits(dtype):
    tensor = (1e4 + 1e-2 * torch.randn(4000, 8, dtype=torch.float64)).to(dtype)
    site = SiteAccumulator(8)
    for part in tensor.split(700):
        site.update(part, unit_axis=1, sample_axis=0, samples=len(part))
    _, units = site.to_record()
    assert units is not None
    np.testing.assert_allclose(np.array(units.std), tensor.double().numpy().std(0), rtol=1e-9)


def test_sorted_data_with_distant_levels_keeps_its_digits():
    levels = torch.tensor([0.0, 1e4, -1e4, 3.0]).repeat_interleave(1000).unsqueeze(1)
    tensor = levels + 1e-2 * torch.randn(4000, 3)
    _, units = accumulate(tensor).to_record()
    np.testing.assert_allclose(units.std, tensor.double().numpy().std(0), rtol=1e-12)
    np.testing.assert_allclose(units.mean, tensor.double().numpy().mean(0), rtol=1e-9)


def test_one_element():
    stats, units = accumulate(torch.tensor([[2.5]])).to_record()
    assert (stats.elements, stats.mean, stats.std, stats.min, stats.max) == (1, 2.5, 0, 2.5, 2.5)
    assert stats.between_sample is None
    assert units.std == (0.0,)
    assert set(stats.quantiles.values()) == {2.5}


def test_a_scalar_is_one_unit():
    site = SiteAccumulator(None)
    site.update(torch.tensor(3.0), unit_axis=None, sample_axis=None, samples=4)
    assert site.to_record()[0].mean == 3


def test_no_batch_and_an_empty_batch_give_a_record_without_numbers():
    stats, units = SiteAccumulator(3).to_record()
    assert stats.elements == 0
    assert stats.mean is None
    assert units is not None
    assert units.mean == (None, None, None)
    site = accumulate(torch.zeros(0, 3), function=RELU)
    site.update(torch.zeros(4, 3, 0), unit_axis=1, sample_axis=0, samples=4)
    assert site.to_record()[0].elements == 0
    assert SiteAccumulator(None).to_record()[1] is None


def test_an_empty_batch_between_others_changes_nothing():
    tensor = torch.randn(6, 3)
    site = accumulate(tensor)
    site.update(tensor[:0], unit_axis=1, sample_axis=0, samples=0)
    assert site.to_record() == accumulate(tensor).to_record()


def test_tokens_flattened_into_rows_belong_to_their_sample():
    tokens = torch.randn(5, 7, 3)
    rows = accumulate(tokens.reshape(35, 3), unit_axis=-1, samples=5).to_record()[0]
    assert rows.between_sample == pytest.approx(between_sample(tokens.numpy(), 2, 0), rel=1e-9)


def test_rows_that_are_no_multiple_of_the_samples_tell_nothing_between_them():
    site = accumulate(torch.randn(7, 3), samples=5)
    assert site.to_record()[0].between_sample is None


def test_the_same_answer_for_every_sample_has_no_variance_between_samples():
    tensor = torch.randn(1, 8, 5, 5).expand(32, -1, -1, -1)
    assert accumulate(tensor).to_record()[0].between_sample < 1e-25


def test_minus_infinity_is_left_out_and_only_nan_counts_as_nan():
    tensor = torch.tensor([[1.0, -math.inf], [3.0, math.nan], [5.0, 4.0]])
    stats, units = accumulate(tensor).to_record()
    assert (stats.nonfinite, stats.nan) == (2, 1)
    assert units.mean == (3.0, 4.0)
    assert units.nonfinite == (0, 2)
    assert units.count == (3, 3)


def test_a_unit_without_a_finite_value_has_no_numbers_and_is_not_dead():
    tensor = torch.tensor([[0.0, math.nan], [0.0, math.inf]])
    stats, units = accumulate(tensor, function=RELU).to_record()
    assert units.mean == (0.0, None)
    assert units.max == (0.0, None)
    assert stats.dead_units == 1


def test_units_that_change_in_number_become_one():
    site = accumulate(torch.ones(2, 3), function=SIGMOID)
    site.update_input(torch.zeros(2, 5), unit_axis=1)
    site.update(torch.zeros(2, 5), unit_axis=1, sample_axis=0, samples=2)
    site.update_input(torch.zeros(2, 3), unit_axis=1)
    site.update(torch.ones(2, 3), unit_axis=1, sample_axis=0, samples=2)
    stats, units = site.to_record()
    assert units is None
    assert (stats.elements, stats.mean, stats.dead_units) == (22, 12 / 22, None)


def test_counts_stay_exact_beyond_32_bits():
    site = accumulate(torch.tensor([[0.0, 1.0], [2.0, -1.0], [0.0, 5.0]]))
    for _ in range(33):
        twin = SiteAccumulator(2)
        twin.merge(site)
        site.merge(twin)
    stats, units = site.to_record()
    assert units.count == (3 * 2**33, 3 * 2**33)
    assert units.zeros == (2 * 2**33, 0)
    assert stats.elements == 6 * 2**33
    assert units.mean == pytest.approx((2 / 3, 5 / 3), rel=1e-12)


def test_memory_does_not_grow_with_the_samples():
    def size(site):
        tensors = [site.tables.settled(), site.samples.settled(), site.buckets.recent]
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    site = accumulate(torch.randn(8, 16))
    before = size(site)
    for _ in range(20):
        site.update(torch.randn(500, 16), unit_axis=1, sample_axis=0, samples=500)
    assert size(site) == before


def test_merging_leaves_the_other_as_it_was():
    one, other = (
        accumulate(torch.randn(4, 3), function=GELU),
        accumulate(torch.randn(5, 3), function=GELU),
    )
    before = other.to_record()
    empty = SiteAccumulator(3, GELU)
    empty.merge(other)
    empty.merge(one)
    assert other.to_record() == before


def test_by_unit_is_the_axis_asked_for():
    array = np.arange(24.0).reshape(2, 3, 4)
    assert by_unit(array, 1).shape == (3, 8)
    _, units = accumulate(torch.from_numpy(array), unit_axis=2).to_record()
    assert units.mean == tuple(array.mean((0, 1)))


def test_an_axis_that_is_not_there_is_an_error():
    with pytest.raises(IndexError, match=r"axis 3 of a tensor with shape \(2, 2\)"):
        accumulate(torch.zeros(2, 2), unit_axis=3)


def test_gradients_are_left_alone():
    tensor = torch.randn(3, 2, requires_grad=True)
    site = accumulate(tensor, function=GELU)
    assert not site.tables.settled().requires_grad
    assert tensor.grad is None


def test_batches_inside_and_outside_of_inference_mode_mix():
    tensor = torch.randn(12, 3)
    site = SiteAccumulator(3, GELU)
    for index, part in enumerate(tensor.split(3)):
        with torch.inference_mode(mode=index % 2 == 0):
            inside = part.clone()
            site.update_input(inside, unit_axis=1, sample_axis=0, samples=3)
            site.update(inside, unit_axis=1, sample_axis=0, samples=3)
    assert_same(site.to_record(), accumulate(tensor, function=GELU).to_record())


def test_what_was_restored_is_not_shared():
    first, second = torch.randn(2, 9, 3)
    site = accumulate(first, function=GELU)
    state, before = site.state(), site.to_record()
    for _ in range(2):
        restored = SiteAccumulator(3, GELU)
        restored.restore(state)
        restored.update_input(second, unit_axis=1, sample_axis=0, samples=9)
        restored.update(second, unit_axis=1, sample_axis=0, samples=9)
        assert restored.to_record()[0].elements == 54
    assert_same(site.to_record(), before)


def test_threads_do_not_share_buffers():
    tensors_of_threads = [torch.full((400, 300), float(value)) for value in range(8)]
    with ThreadPoolExecutor(4) as pool:
        sites = list(pool.map(accumulate, tensors_of_threads))
    for value, site in enumerate(sites):
        stats, _ = site.to_record()
        assert (stats.mean, stats.std, stats.quantiles["0.5"]) == (value, 0, value)
