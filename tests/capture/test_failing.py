"""A forward that raised: what it made is not kept, and who is to blame."""

import gc
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture
from actdiag.errors import OURS
from actdiag.feed import Batch
from actdiag.measure import measure


class Raises(nn.Module):
    """Tells of the tensor that it made before it raised."""

    def __init__(self):
        super().__init__()
        self.layer, self.made = nn.Linear(6, 5), None

    def forward(self, x):
        hidden = self.layer(x)
        self.made = weakref.ref(hidden)
        return self.inner(hidden)

    def inner(self, hidden):
        raise RuntimeError(f"cannot go on with {tuple(hidden.shape)}")


def test_tensors_are_freed_without_the_garbage_collector():
    model = Raises()
    gc.disable()
    try:
        with Capture(model) as capture:
            assert capture.run((torch.ones(4, 6),), {}, 4) is None
            assert capture.failure is not None
            assert model.made is not None
            assert model.made() is None
    finally:
        gc.enable()


def test_the_innermost_module_is_named_not_the_capture():
    model = nn.Sequential(nn.Linear(6, 6), Raises())
    with Capture(model) as capture:
        capture.run((torch.ones(4, 6),), {}, 4)
        assert (capture.failure.module, capture.failure.exception) == ("1", "RuntimeError")
        assert capture.failure.message == "cannot go on with (4, 5)"


class Functional(nn.Module):
    """Calls what it is given on the batch."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(torch.relu(x))


class Odd(torch.Tensor):
    """A tensor of the user's own, whose functions fail."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise LookupError("not of this tensor")


class Doubles(torch.autograd.Function):
    """A function of the user's own, which fails."""

    @staticmethod
    def forward(ctx, x):
        return x.no_such_attribute


def scripted():
    with torch.random.fork_rng(devices=[]):
        return torch.jit.script(nn.Sequential(nn.ReLU(), nn.Linear(9, 2)))


def exported():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU())
    program = torch.export.export(model, (torch.ones(4, 5),))
    return program.module()


FAIL = {
    "shape": lambda: nn.Linear(9, 2),
    "leaf": lambda: nn.Sequential(nn.ReLU(), nn.Flatten(0), nn.BatchNorm1d(6)).eval(),
    "not a tensor": lambda: Functional(lambda x: nn.ReLU()([x])),
    "function": lambda: Functional(lambda x: F.linear(x, torch.ones(2, 9))),
    "method": lambda: Functional(lambda x: x.view(7, -1)),
    "operator": lambda: Functional(lambda x: x @ x),
    "index": lambda: Functional(lambda x: x[:, 99]),
    "own code": lambda: Functional(lambda x: {}[x.sum().item()]),
    "own tensor": lambda: Functional(lambda x: F.relu(x.as_subclass(Odd))),
    "own function": lambda: Functional(Doubles.apply),
    "recurrent": lambda: nn.LSTM(9, 3),
    "cell": lambda: nn.GRUCell(9, 3),
    "attention": lambda: Functional(lambda x: F.scaled_dot_product_attention(x, x[:1, :2], x)),
    "multi-head": lambda: Functional(lambda x: nn.MultiheadAttention(8, 2)(x, x, x)),
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2).eval(),
    "write": lambda: Functional(lambda x: x.copy_(torch.ones(9))),
    "memory": lambda: Functional(lambda x: x.repeat(1 << 30, 1 << 20)),
    "scripted": scripted,
    "exported": exported,
}


@pytest.mark.parametrize("name", FAIL)
def test_what_the_model_raises_is_its_own(name):
    model = FAIL[name]()
    x = torch.ones(4, 6)
    with pytest.raises(Exception, match=r".") as plain, torch.no_grad():
        model(x)
    found = measure(model, [Batch((x,), samples=4)])
    assert found.coverage.failure is not None
    assert found.coverage.failure.exception == type(plain.value).__name__
    assert found.doubt is None


def working():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), Functional(torch.tanh), nn.Linear(5, 2)).eval()


@pytest.mark.parametrize(
    "place",
    [
        "recorder.Recorder.measure",
        "recorder.Recorder.open",
        "observer.Observer.finish",
        "observer.Observer.sides",
        "modules.ModuleStack.leave",
        "inputs.Inputs.measure",
        "answer.Answer.of",
        "trail.Trail.__init__",
    ],
)
def test_what_measures_it_raises_is_ours(monkeypatch, place):
    def broken(*_args, **_kwargs):
        return {}["no such site"]

    monkeypatch.setattr(f"actdiag.capture.{place}", broken)
    batch = Batch((torch.ones(4, 6),), samples=4)
    with pytest.raises(KeyError, match="no such site"):
        measure(working(), [batch])


def test_torch_called_by_the_capture_is_no_call_of_the_model(monkeypatch):
    broken = lambda *_: torch.ones(3).view(7)  # noqa: E731
    monkeypatch.setattr("actdiag.capture.observer.Observer.finish", broken)
    model = working()
    batch = Batch((torch.ones(4, 6),), samples=4)
    with pytest.raises(RuntimeError, match="shape") as raised:
        measure(model, [batch])
    assert raised.value.__notes__ == [OURS]
    assert not model._forward_hooks
    assert not model[0]._forward_hooks


def test_no_memory_for_measuring_is_no_mistake(monkeypatch):
    def full(*_args, **_kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("actdiag.capture.observer.Observer.finish", full)
    batch = Batch((torch.ones(1, 6),), samples=1)
    found = measure(working(), [batch])
    assert found.coverage.failure.exception == "OutOfMemoryError"
    assert found.doubt is None


def test_in_doubt_the_model_alone_tells(monkeypatch):
    def broken(*_args, **_kwargs):
        return {}["no such site"]

    monkeypatch.setattr("actdiag.capture.observer.Observer.finish", broken)
    batch = Batch((torch.ones(4, 6),), samples=4)
    found = measure(nn.Sequential(nn.ReLU(), nn.Linear(9, 2)).eval(), [batch])
    assert found.coverage.failure is not None
    assert found.doubt is None
