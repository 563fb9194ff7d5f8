"""Small tensors that torch measures later, and what a function's input shares with an output."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from actdiag import functions
from actdiag.stats import clean, pool
from actdiag.stats.regions import InputRow
from actdiag.stats.site import SiteAccumulator
from tests.stats.conftest import measured_by

RELU, TANH, GELU = (functions.get(name) for name in ("relu", "tanh", "gelu"))


@pytest.fixture(autouse=True)
def stock():
    yield from measured_by("stock")
    pool.settle()


@pytest.fixture
def walks(monkeypatch):
    """How many values each walk over a tensor reads."""
    found = []

    def counted(values, **asked):
        found.append(values.numel())
        return original(values, **asked)

    original = clean.clean_sums
    monkeypatch.setattr("actdiag.stats.units.clean_sums", counted)
    return found


def take(site, *tensors, function=False):
    for tensor in tensors:
        axes = {"unit_axis": 1, "sample_axis": 0, "samples": len(tensor)}
        (site.update_input if function else site.update)(tensor, **axes)


def one_by_one(site, *tensors, function=False):
    for tensor in tensors:
        take(site, tensor, function=function)
        pool.settle()


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4), (2, 5, 80)])
def test_small_tensors_of_a_site_are_measured_as_one(walks, shape):
    tensors = [torch.randn(shape) for _ in range(6)]
    site, wanted = SiteAccumulator(5), SiteAccumulator(5)
    take(site, *tensors)
    assert not walks
    found = site.to_record()
    assert walks == [6 * tensors[0].numel()]
    one_by_one(wanted, *tensors)
    other = wanted.to_record()
    assert found[0].quantiles == other[0].quantiles
    assert found[1].positive == other[1].positive
    assert found[1].mean == pytest.approx(other[1].mean, rel=1e-12)
    assert found[1].std == pytest.approx(other[1].std, rel=1e-12)
    assert found[0].between_sample == pytest.approx(other[0].between_sample, rel=1e-9)


def test_tensors_that_differ_are_measured_apart_and_in_their_order(walks):
    site = SiteAccumulator(5)
    take(site, torch.ones(3, 5), torch.ones(3, 5, 2), torch.ones(3, 5).double())
    assert site.to_record()[0].elements == 60
    assert walks == [15, 30, 15]


def test_samples_are_numbered_as_they_came():
    tensors = [torch.randn(40, 7) for _ in range(300)]
    site, wanted = SiteAccumulator(7), SiteAccumulator(7)
    take(site, *tensors)
    one_by_one(wanted, *tensors)
    assert torch.equal(site.buckets.counts(), wanted.buckets.counts())


def test_a_tensor_changed_afterwards_was_measured_as_it_was():
    tensor = torch.ones(4, 3)
    site = SiteAccumulator(3)
    take(site, tensor)
    tensor.zero_()
    assert site.to_record()[0].mean == 1


def test_what_waits_fits_a_pool_of_fixed_size():
    sites = [SiteAccumulator(50) for _ in range(9)]
    for turn in range(60):
        for site in sites:
            take(site, torch.full((300, 50), float(turn)))
    for site in sites:
        stats, units = site.to_record()
        assert (stats.mean, stats.elements, units.max[0]) == (29.5, 60 * 300 * 50, 59)


def test_a_site_that_is_gone_is_not_kept_by_what_waits():
    site = SiteAccumulator(3)
    take(site, torch.ones(4, 3))
    reference = weakref.ref(site)
    del site
    gc.collect()
    assert reference() is None
    pool.settle()


def test_a_site_may_be_fed_by_several_threads_in_turn():
    site, others = SiteAccumulator(3), [SiteAccumulator(3) for _ in range(40)]
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        first.submit(take, site, torch.ones(4, 3)).result()
        second.submit(take, site, torch.ones(4, 3)).result()
        for thread in (first, second):
            for other in others:
                thread.submit(take, other, torch.zeros(2000, 3)).result()
            thread.submit(pool.settle).result()
    assert (site.to_record()[0].mean, site.to_record()[0].elements) == (1, 24)


def test_nan_that_waits_is_counted():
    site, twin = SiteAccumulator(2), SiteAccumulator(2)
    take(site, torch.tensor([[1.0, torch.nan], [2.0, torch.inf]]))
    twin.merge(site)
    twin.restore(site.state())
    assert [one.to_record()[0].nan for one in (site, twin)] == [1, 2]


@pytest.mark.parametrize("samples", [6, 3000])
@pytest.mark.parametrize("function", [RELU, TANH, GELU], ids=lambda row: row.name)
def test_an_input_just_taken_in_as_an_output_is_not_read_again(function, samples, monkeypatch):
    x = torch.randn(samples, 40)
    layer, site, wanted = SiteAccumulator(40), SiteAccumulator(40, function), None
    take(layer, x)
    monkeypatch.setattr("actdiag.stats.entering.copied", None)
    take(site, x, function=True)
    monkeypatch.undo()
    wanted = SiteAccumulator(40, function)
    take(wanted, x.clone(), function=True)
    found, other = site.inputs.summed(), wanted.inputs.summed()
    assert torch.equal(found.table, other.table)
    assert torch.allclose(found.slopes, other.slopes, rtol=1e-12)


@pytest.mark.parametrize("samples", [6, 3000])
def test_an_input_changed_since_is_read(samples):
    x = torch.randn(samples, 40)
    layer, site = SiteAccumulator(40), SiteAccumulator(40, RELU)
    take(layer, x)
    x.fill_(-1)
    take(site, x, function=True)
    assert site.inputs.summed().table[6].max() == -1


def test_an_input_with_nan_is_read_again_with_care():
    x = torch.randn(3000, 40)
    x[5, 7] = torch.nan
    layer, site = SiteAccumulator(40), SiteAccumulator(40, RELU)
    take(layer, x)
    take(site, x, function=True)
    assert site.inputs.summed().table[1].sum() == 1


@pytest.mark.parametrize("units", [3, 64, 1500, 2100])
def test_calls_of_any_signs_and_widths_add_up(units):
    signed, unsigned = torch.randn(50, units), torch.rand(60, units)
    unsigned[:, 0] = 0
    calls = [unsigned, signed, unsigned + 1, signed.double(), signed * 2, unsigned] * 3
    site = SiteAccumulator(units)
    for call in calls:
        one_by_one(site, call)
    whole = torch.cat([call.double() for call in calls])
    _, found = site.to_record()
    assert list(found.zeros) == (whole == 0).sum(0).tolist()
    assert list(found.positive) == (whole > 0).sum(0).tolist()
    assert list(found.min) == whole.amin(0).tolist()
    assert list(found.max) == whole.amax(0).tolist()
    assert found.mean == pytest.approx(whole.mean(0).tolist(), rel=1e-12, abs=1e-15)
    assert found.std == pytest.approx(whole.std(0, correction=0).tolist(), rel=1e-9)
    assert found.mean_abs == pytest.approx(whole.abs().mean(0).tolist(), rel=1e-12)


def test_what_was_told_of_an_output_stays_as_it_was_then():
    site, relu = SiteAccumulator(1500), SiteAccumulator(1500, RELU)
    tensors = [torch.randn(60, 1500) + shift for shift in (3, -1, 0)]
    for tensor in tensors:
        take(site, tensor)
        take(relu, tensor, function=True)
    whole = torch.cat(tensors)
    table = relu.inputs.summed().table
    assert torch.equal(table[InputRow.LINEAR], (whole >= 0).double().sum(0))
    assert torch.equal(table[InputRow.LOW], whole.amin(0).double())
    assert torch.equal(table[InputRow.HIGH], whole.amax(0).double())
