"""What ReLU gives, known from the walk over its input: the same as if it were read."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from actdiag import functions
from actdiag.stats import native
from actdiag.stats.moments import Row
from actdiag.stats.ready import Batch
from actdiag.stats.site import SiteAccumulator
from tests.stats.oracle import unit_numbers
from tests.stats.test_site import assert_same, assert_units
from tests.stats.values import STYLES, laid_out, to_numpy

RELU = functions.get("relu")
FLOATS = tuple(native.CODES)
pytestmark = pytest.mark.usefixtures("every_register")


class Pair:
    """A layer and the ReLU that reads it, on their way since one batch."""

    def __init__(self, first, axes, function=RELU):
        self.axes, self.function, self.batches = axes, function, 1
        self.named = dict(zip(("unit_axis", "sample_axis", "samples"), axes, strict=True))
        self.layer, self.relu = SiteAccumulator(None), SiteAccumulator(None, function)
        self.layer.prepare(self.layer.update(first, **self.named, numbers=0), first, axes)
        self.relu.update_input(first, **self.named, numbers=0)
        self.layer.next = self.relu.inputs.ahead
        y = first.relu()
        self.relu.prepare(self.relu.update(y, **self.named, numbers=0), y, axes)

    def take(self, x, y, *, called=True):
        """A further batch; ``y`` is told to be what ReLU made of ``x``."""
        batch = Batch(self.batches * self.axes[2])
        self.batches += 1
        assert self.layer.again(x, self.axes, batch)
        assert self.relu.input_again(x, self.axes, batch)
        assert self.relu.again(y, self.axes, batch, called=called)

    def alone(self, *inputs):
        """What the ReLU's site says where every tensor is read."""
        site = SiteAccumulator(None, self.function)
        for x in inputs:
            site.update_input(x, **self.named)
            site.update(x.relu(), **self.named)
        return site


def is_read(pair, x):
    """Whether what the ReLU gives is read: if so, numbers that it can't give show."""
    before = pair.relu.tables.settled()[Row.POSITIVE].clone()
    pair.take(x, torch.full_like(x, 7))
    found = pair.relu.tables.settled()[Row.POSITIVE] - before
    return bool((found == len(x)).all())


LAYOUTS = [(40, 33), (6, 40, 33), (40, 33, 2), (40, 70, 4), (5, 33, 3, 7), (3, 9, 4100)]


@st.composite
def batches(draw):
    """Batches of one shape, type and layout, and the axes of units and samples."""
    dtype, shape = draw(st.sampled_from(FLOATS)), draw(st.sampled_from(LAYOUTS))
    way, spoiled = draw(st.sampled_from([0, 4])), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = []
    for style in draw(st.lists(st.sampled_from(tuple(STYLES)), min_size=2, max_size=4)):
        array = STYLES[style](rng, shape)
        if spoiled:
            array[rng.random(shape) < 1e-3] = rng.choice([np.nan, np.inf, -np.inf, -0.0])
        arrays.append(laid_out(torch.from_numpy(array).to(dtype), way))
    return arrays, (draw(st.sampled_from([1, 2 if len(shape) == 3 else 1])), 0, shape[0])


def together(parts, axes):
    """What a layer's site says of all these."""
    site = SiteAccumulator(None)
    for x in parts:
        site.update(x, unit_axis=axes[0], sample_axis=axes[1], samples=axes[2])
    return site.to_record()


@settings(max_examples=50, deadline=None)
@given(given=batches(), by_sample=st.booleans())
def test_the_same_as_numpy_says(given, by_sample):
    parts, (unit_axis, sample_axis, samples) = given
    axes = unit_axis, sample_axis if by_sample else None, samples
    pair = Pair(parts[0], axes)
    for x in parts[1:]:
        pair.take(x, x.relu())
    outputs = np.concatenate([to_numpy(x.relu()) for x in parts])
    assert_units(pair.relu.to_record()[1], unit_numbers(outputs, unit_axis))
    assert_same(pair.relu.to_record(), pair.alone(*parts).to_record())
    assert_same(pair.layer.to_record(), together(parts, axes))


@pytest.mark.parametrize("shape", [(300, 600), (64, 70, 40, 2), (7, 1, 90000)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_number_of_threads_gives_the_same_but_for_rounding(shape, dtype):
    parts, axes = [torch.randn(shape, dtype=dtype) for _ in range(3)], (1, 0, shape[0])
    try:
        torch.set_num_threads(3)
        pair = Pair(parts[0], axes)
        for x in parts[1:]:
            pair.take(x, x.relu())
    finally:
        torch.set_num_threads(1)
    assert_same(pair.relu.to_record(), pair.alone(*parts).to_record())
    assert_same(pair.layer.to_record(), together(parts, axes))


def test_what_relu_gives_is_not_read():
    assert not is_read(Pair(torch.randn(40, 33), (1, 0, 40)), torch.randn(40, 33))


def test_nor_where_it_overwrites_its_input():
    first, x = torch.randn(2, 40, 33)
    pair, batch = Pair(first, (1, 0, 40)), Batch(40)
    assert pair.layer.again(x, pair.axes, batch)
    assert pair.relu.input_again(x, pair.axes, batch)
    wanted = pair.alone(first, x).to_record()
    assert pair.relu.again(x.relu_(), pair.axes, batch, called=True)
    assert_same(pair.relu.to_record(), wanted)


SPOILED = {
    "nan": lambda x: x.masked_fill(x > 2, math.nan),
    "infinite": lambda x: x.masked_fill(x > 2, math.inf),
    "negative infinite": lambda x: x.masked_fill(x < -2, -math.inf),
    "far from zero": lambda x: 1e4 + 1e-3 * x,
}


@pytest.mark.parametrize("style", SPOILED)
def test_what_needs_care_is_read(style):
    pair = Pair(torch.randn(40, 33), (1, 0, 40))
    assert is_read(pair, SPOILED[style](torch.randn(40, 33)))
    assert not is_read(Pair(torch.randn(40, 33), (1, 0, 40)), torch.randn(40, 33))


class _Twice(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def _written(pair, x):
    assert pair.layer.again(x, pair.axes, Batch(40))
    x.mul_(2)
    assert pair.relu.input_again(x, pair.axes, Batch(40))
    return True


def _expected(pair, x):
    assert pair.layer.again(x, pair.axes, Batch(40))
    assert pair.relu.input_again(x, pair.axes, Batch(40))
    return True


def _not_called(pair, x):
    _expected(pair, x)
    return False


def _another_way(pair, x):
    """The output of this batch, and the input of the next, are looked at anew."""
    _expected(pair, x)
    pair.relu.update(x.relu(), **pair.named, numbers=40)
    pair.relu.prepare(pair.relu.update(x.relu(), **pair.named), x, pair.axes)
    pair.layer.update(x, **pair.named, numbers=80)
    assert pair.relu.input_again(x, pair.axes, Batch(80))
    return True


def _other_tensor(pair, x):
    assert pair.layer.again(x, pair.axes, Batch(40))
    assert pair.relu.input_again(x.clone(), pair.axes, Batch(40))
    return True


@pytest.mark.parametrize(
    "happens", [_written, _not_called, _another_way, _other_tensor], ids=lambda it: it.__name__
)
def test_what_is_not_certain_is_read(happens):
    pair, x = Pair(torch.randn(40, 33), (1, 0, 40)), torch.randn(40, 33)
    called = happens(pair, x)
    before = pair.relu.tables.settled().clone()
    assert pair.relu.again(torch.full((40, 33), 7.0), pair.axes, Batch(80), called=called)
    assert bool((pair.relu.tables.settled()[Row.HIGH] == 7).all())
    assert bool((pair.relu.tables.settled()[Row.COUNT] == before[Row.COUNT] + 40).all())


def test_under_a_mode_of_dispatch_it_is_read():
    pair, x = Pair(torch.randn(40, 33), (1, 0, 40)), torch.randn(40, 33)
    called = _expected(pair, x)
    with _Twice():
        assert pair.relu.again(torch.full((40, 33), 7.0), pair.axes, Batch(80), called=called)
    assert bool((pair.relu.tables.settled()[Row.HIGH] == 7).all())


@pytest.mark.parametrize("name", ["relu6", "leaky_relu", "relu_squared"])
def test_of_other_functions_it_is_read(name):
    pair = Pair(torch.randn(40, 33), (1, 0, 40), functions.get(name))
    assert is_read(pair, torch.randn(40, 33))
