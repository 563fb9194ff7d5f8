"""A guard says true of what is read alike, and never of anything else."""

import pytest
import torch
from torch.nn import Parameter

from actdiag.stats import guards
from actdiag.stats.guards import guard_of
from actdiag.stats.ready import Layout

MADE = torch.arange(24.0).reshape(2, 3, 4)


class Own(torch.Tensor):
    """A class whose memory may not be what it seems."""


OTHERS = {
    "shape": MADE[:1],
    "dimensions": MADE.flatten(),
    "strides": MADE.transpose(1, 2).contiguous().transpose(1, 2),
    "dtype": MADE.double(),
    "half": MADE.half(),
    "negative": torch._neg_view(MADE),
    "conjugate": MADE.to(torch.complex64).conj(),
    "sparse": MADE.to_sparse(),
    "mkldnn": MADE.to_mkldnn(),
    "meta": MADE.to("meta"),
    "parameter": Parameter(MADE.clone()),
    "subclass": MADE.clone().as_subclass(Own),
    "array": MADE.numpy(),
    "nothing": None,
}


def test_a_tensor_that_lies_the_same_is_told():
    assert guard_of(MADE)(torch.rand(2, 3, 4))
    assert Layout(MADE, (1, 0, 2)).is_that_of(torch.rand(2, 3, 4))


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_nothing_else_is(other):
    assert not guard_of(MADE)(other)


@pytest.mark.parametrize("name", [name for name in OTHERS if name not in ("array", "nothing")])
def test_the_look_without_it_agrees(name):
    told = Layout(MADE, (1, 0, 2)).is_that_of(OTHERS[name])
    assert told is (name == "parameter")  # its memory is what it seems


def test_inside_a_transform_it_is_not():
    guard, seen = guard_of(MADE[0]), []

    def look(x):
        seen.append(guard(x))
        return x

    torch.vmap(look)(MADE)
    assert seen == [False]


@pytest.mark.parametrize("made", [None, lambda *_args, **_kwargs: 1 / 0, lambda x: x])
def test_without_it_nothing_is_known(monkeypatch, made):
    monkeypatch.setattr(guards, "_TensorGuards", made)
    assert not guard_of(MADE)(MADE)
