"""Taking in another tensor like the last one: the same as if it were looked at anew, or refused."""

from __future__ import annotations

import math

import pytest
import torch

from actdiag import functions
from actdiag.stats import quantiles, regions
from actdiag.stats.ready import Batch
from actdiag.stats.rows import Picker, RowSample
from actdiag.stats.site import SiteAccumulator
from tests.stats.test_site import assert_same

AXES = (1, 0, 40)
NAMED = dict(zip(("unit_axis", "sample_axis", "samples"), AXES, strict=True))
pytestmark = pytest.mark.usefixtures("every_register")


def prepared(first, function=None, axes=AXES):
    """A site that has taken in one output and, with a function, one input."""
    named = dict(zip(NAMED, axes, strict=True))
    site = SiteAccumulator(None if axes[0] is None else first.shape[axes[0]], function)
    if function is not None:
        site.update_input(first, **named, numbers=0)
    site.prepare(site.update(first, **named, numbers=0), first, axes)
    return site


def anew(function, *parts):
    site = SiteAccumulator(parts[0].shape[1], function)
    for number, part in enumerate(parts):
        if function is not None:
            site.update_input(part, **NAMED, numbers=40 * number)
        site.update(part, **NAMED, numbers=40 * number)
    return site


@pytest.mark.parametrize("shape", [(40, 33), (40, 33, 2), (40, 33, 3, 7)])
@pytest.mark.parametrize("name", [None, "relu", "tanh"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_same_as_looking_at_each(name, shape, dtype):
    function = name and functions.get(name)
    parts = [torch.randn(shape).to(dtype) * scale + scale for scale in (1, 3, 0.1, 7)]
    parts[2][3:5] = math.nan
    site = prepared(parts[0], function)
    for number, part in enumerate(parts[1:], 1):
        batch = Batch(40 * number)
        assert function is None or site.input_again(part, AXES, batch)
        assert site.again(part, AXES, batch)
    wanted = anew(function, *parts)
    assert_same(site.to_record(), wanted.to_record())
    assert site.seen == wanted.seen
    assert site.seen_inputs == wanted.seen_inputs
    assert torch.equal(site.buckets.counts(), wanted.buckets.counts())


CHANGES = {
    "shape": lambda x: torch.randn(40, 34),
    "strides": lambda x: torch.randn(33, 40).T,
    "type": lambda x: x.double(),
    "class": lambda x: torch.Tensor._make_subclass(type("Own", (torch.Tensor,), {}), x),
    "layout": lambda x: x.to_sparse(),
    "mkldnn": lambda x: x.to_mkldnn(),
    "device": lambda x: x.to("meta"),
    "negated": torch._neg_view,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_like_the_last_is_refused_and_nothing_done(change):
    x = torch.randn(40, 33)
    tanh = functions.get("tanh")
    site = prepared(x, tanh)
    other = CHANGES[change](torch.randn(40, 33))
    assert not site.again(other, AXES, Batch(40))
    assert not site.input_again(other, AXES, Batch(40))
    assert_same(site.to_record(), anew(tanh, x).to_record())


@pytest.mark.parametrize("axes", [(0, 1, 33), (1, 0, 20), (1, None, 40), (None, 0, 40)])
def test_other_axes_are_refused(axes):
    x = torch.randn(40, 33)
    site = prepared(x, functions.get("tanh"))
    assert not site.again(x, axes, Batch(40))
    assert not site.input_again(x, axes, Batch(40))


def test_a_parameter_is_taken_in_like_a_tensor():
    x = torch.randn(40, 33)
    assert prepared(x).again(torch.nn.Parameter(x), AXES, Batch(40))


def test_without_a_sample_axis_the_batch_is_one_sample():
    x = torch.randn(40, 33)
    site = prepared(x, axes=(1, None, 40))
    assert site.again(x, (1, None, 40), Batch(7))
    assert site.seen == 2


@pytest.mark.parametrize("between", ["merge", "restore", "stock"])
def test_after_tables_were_joined_or_read_nothing_is_lost(between, monkeypatch):
    x, y, z = torch.randn(3, 40, 33)
    site, other = prepared(x), anew(None, y)
    if between == "merge":
        site.merge(other)
    elif between == "restore":
        site.restore(other.state())
    else:
        with monkeypatch.context() as patch:
            patch.setattr("actdiag.stats.native.plan_of", lambda *_, **__: None)
            site.update(y, **NAMED, numbers=40)
    assert not site.again(z, AXES, Batch(80))
    site.prepare(site.update(z, **NAMED, numbers=80), z, AXES)
    site.state()
    site.to_record()
    assert site.again(x, AXES, Batch(120))
    whole = anew(None, x, y, z, x)
    assert_same(site.to_record(), whole.to_record())


def test_full_buckets_are_emptied_first(monkeypatch):
    x = torch.randn(40, 33)
    site = prepared(x)
    monkeypatch.setattr(quantiles, "_MOST", 2 * x.numel())
    assert site.again(x, AXES, Batch(40))
    assert not site.again(x, AXES, Batch(80))
    assert site.buckets.counts().sum() == 2 * x.numel()


def test_without_room_for_slopes_an_input_is_looked_at_anew(monkeypatch):
    monkeypatch.setattr(regions, "MOST_WAITING", 100)
    x = torch.randn(40, 600)
    site = prepared(x, functions.get("tanh"))
    refused = 0
    for number in range(1, 40):
        if not site.input_again(x, AXES, Batch(40 * number)):
            refused += 1
            site.update_input(x, **NAMED, numbers=40 * number)
    assert 0 < refused < 39
    wanted = SiteAccumulator(600, functions.get("tanh"))
    for number in range(40):
        wanted.update_input(x, **NAMED, numbers=40 * number)
        wanted.inputs.settle_slopes()
    found = (one.inputs.summed().slopes for one in (site, wanted))
    assert torch.allclose(*found, rtol=1e-12)


def test_rows_are_kept_of_the_samples_picked():
    parts = torch.randn(30, 40, 33)
    picker, sample = Picker(), RowSample()
    whole_picker, whole = Picker(), RowSample()
    site = None
    for part in parts:
        batch = Batch(picker.seen, picker.next(40))
        if site is None or not site.again(part, AXES, batch):
            assert site is None
            site = SiteAccumulator(33)
            plan = site.update(part, **NAMED, numbers=batch.first)
            site.prepare(plan, part, AXES)
            site.keep(sample.add(part, **NAMED, picked=batch.picked, plan=plan))
        picked = whole_picker.next(40)
        if picked is not None:
            whole.add(part, **NAMED, picked=picked)
    assert sample.told() == whole.told()


def test_rows_wait_for_the_slots_they_go_to():
    x = torch.randn(40, 33)
    site = prepared(x)
    picked = Picker().next(40)
    assert not site.again(x, AXES, Batch(0, picked))
    assert site.again(x, AXES, Batch(0))
