"""What ReLU gives in a model's pass, where that is not read: the same, whatever becomes of it."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from actdiag.capture.capture import Capture
from actdiag.stats.ahead import Ahead
from actdiag.stats.library import backend
from tests.stats.conftest import measured_by
from tests.stats.oracle import unit_numbers
from tests.stats.test_site import assert_units


class Model(nn.Module):
    """A layer, what is called on its output, and a layer that reads that."""

    def __init__(self, how):
        super().__init__()
        self.first, self.relu, self.last = nn.Linear(9, 33), nn.ReLU(), nn.Linear(33, 2)
        self.how = how

    def forward(self, x):
        return self.last(self.how(self, self.first(x)))


class _Raised(TorchFunctionMode):
    """Every ReLU gives one more."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        given = func(*args, **(kwargs or {}))
        return given + 1 if func in (F.relu, torch.relu) else given


HOW = {
    "module": lambda model, x: model.relu(x),
    "function": lambda _, x: F.relu(x),
    "method": lambda _, x: x.relu(),
    "in place": lambda _, x: x.relu_(),
    "clamped": lambda _, x: x.clamp(min=0),
    "residual": lambda _, x: F.relu(x + x.mean(1, keepdim=True)),
    "read twice": lambda _, x: F.relu(x) + torch.tanh(x),
    "written between": lambda _, x: F.relu(x.mul_(2)),
    "then another": lambda _, x: torch.tanh(F.relu(x)),
}


def observed(model, batches, name="relu"):
    """Numbers of the ReLU's units over all batches."""
    with Capture(model) as capture, torch.no_grad():
        for x in batches:
            capture.run((x,), {}, len(x))
    (site,) = (site for site in capture.sites() if site.function == name)
    return site.per_unit


@pytest.fixture
def batches():
    torch.manual_seed(0)
    return [scale * torch.randn(40, 9) for scale in (1, 3, 0.2, 5)]


@pytest.mark.parametrize("name", HOW)
def test_every_way_to_call_it(name, batches):
    model = Model(HOW[name])
    given = []
    with torch.no_grad():
        for batch in batches:
            x = model.first(batch) * (2 if name == "written between" else 1)
            x = x + x.mean(1, keepdim=True) if name == "residual" else x
            given.append(F.relu(x))
    assert_units(observed(model, batches), unit_numbers(torch.cat(given).numpy(), 1))


@pytest.mark.skipif(backend().library is None, reason="stock operations read every tensor")
@pytest.mark.parametrize("name", ["module", "function", "method", "in place", "clamped"])
def test_from_the_third_batch_on_it_is_not_read(name, batches, monkeypatch):
    taken, gave = [], Ahead.gave

    def noted(self, axes):
        taken.append(gave(self, axes) is not None)
        return self.kept if taken[-1] else None

    monkeypatch.setattr(Ahead, "gave", noted)
    observed(Model(HOW[name]), batches)
    assert taken[-2:] == [True, True]


def test_a_hook_that_puts_another_tensor_in_its_place(batches):
    model = Model(HOW["module"])
    with torch.no_grad():
        wanted = np.concatenate([F.relu(model.first(x)).numpy() for x in batches])
    model.relu.register_forward_hook(lambda _module, _args, output: output + 1)
    assert_units(observed(model, batches), unit_numbers(wanted, 1))


@pytest.mark.parametrize("name", ["module", "function"])
def test_a_mode_that_changes_what_it_gives(name, batches):
    model = Model(HOW[name])
    with torch.no_grad():
        wanted = np.concatenate([F.relu(model.first(x)).numpy() + 1 for x in batches])
    with _Raised():
        found = observed(model, batches)
    assert_units(found, unit_numbers(wanted, 1))


def _through_data(x):
    x.data.mul_(-2)
    return x


def _with_new_data(x):
    x.data = x * -2
    return x


def _through_numpy(x):
    x.numpy()[...] *= -2
    return x


@pytest.mark.parametrize("name", ["native", "stock"])
@pytest.mark.parametrize("change", [_through_data, _with_new_data, _through_numpy])
@pytest.mark.parametrize("call", ["module", "function", "method"])
def test_changes_that_leave_no_trace(name, change, call, batches):
    """What was counted while the layer's output was read is of values that are gone."""

    def relus(become):
        model = Model(lambda model, x: HOW[call](model, become(x)))
        with Capture(model) as capture:
            for x in batches:
                capture.run((x,), {}, len(x))
        (found,) = (site for site in capture.sites() if site.function == "relu")
        return {**dataclasses.asdict(found.stats), **dataclasses.asdict(found.per_unit)}

    with contextlib.contextmanager(measured_by)(name):
        torch.manual_seed(1)
        wanted = relus(lambda x: x * -2)
        torch.manual_seed(1)
        given = relus(change)
    for key, value in wanted.items():
        if not key.startswith(("input_bound", "input_bias")):  # of what the layer itself gives
            assert _alike(given[key], value), key


def _alike(given, value):
    if isinstance(value, tuple):
        return len(given) == len(value) and all(map(_alike, given, value))
    if isinstance(value, dict):
        return given.keys() == value.keys() and all(_alike(given[key], value[key]) for key in value)
    return given == value or given == pytest.approx(value, rel=1e-9)
