"""Promise 1: the model, the random state and torch's switches come back as they were."""

import random
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from actdiag.capture import Capture
from tests.capture.awkward import Counting, Raises

HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_always_called"),
    *("_forward_hooks_with_kwargs", "_backward_hooks", "_state_dict_hooks"),
)


def state_of(model):
    return (
        {key: value.clone() for key, value in model.state_dict().items()},
        [module.training for module in model.modules()],
        [(p.requires_grad, p.grad, p._version, p.data_ptr()) for p in model.parameters()],
        [[dict(getattr(module, kind)) for kind in HOOKS] for module in model.modules()],
        [sorted(module.__dict__) for module in model.modules()],
        [list(map(id, module.buffers(recurse=False))) for module in model.modules()],
    )


def surroundings():
    return (
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002 - the global state is what is checked
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.backends.mkldnn.enabled,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.overrides._get_current_function_mode(),
        list(warnings.filters),
    )


def assert_same(model, before, around):
    after = state_of(model)
    assert before[0].keys() == after[0].keys()
    assert all(torch.equal(before[0][key], after[0][key]) for key in before[0])
    assert before[1:] == after[1:]
    assert surroundings() == around


@pytest.mark.parametrize("model", [Counting(), Raises(), nn.TransformerEncoderLayer(6, 2, 8)])
def test_the_model_comes_back_bit_for_bit(model):
    model.train()
    list(model.modules())[-1].eval()
    next(model.parameters()).requires_grad_(False)
    handle = model.register_forward_hook(lambda *_: None)
    before, around = state_of(model), surroundings()
    with Capture(model) as capture:
        capture.run((torch.zeros(4, 6),), {}, 4)
    assert_same(model, before, around)
    handle.remove()


class First(nn.Module):
    """Of a layer that gives several tensors, the first."""

    def __init__(self, layer, *, three=False):
        super().__init__()
        self.layer, self.three = layer, three

    def forward(self, x):
        return self.layer(*((x, x, x) if self.three else (x,)))[0]


class Overwrites(nn.Module):
    """Changes its input, a buffer of its own and another module's running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(6)
        self.register_buffer("steps", torch.zeros(6))
        self.register_buffer("last", None)

    def forward(self, x):
        x = x.clone()
        x += torch.rand(6)
        self.steps.add_(x.mean(0))
        self.last = x.mean(0)
        self.norm.running_mean += 1
        return self.norm(x.relu_())


class Halfway(nn.Module):
    """Raises after it has changed its state."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        random.random()
        torch.rand(1)
        message = "halfway"
        raise ValueError(message + str(self.layer(x).shape))


LAYERS = [
    lambda: nn.Linear(6, 6),
    nn.ReLU,
    lambda: nn.ReLU(inplace=True),
    nn.Tanh,
    nn.Dropout,
    lambda: nn.BatchNorm1d(6),
    lambda: nn.LayerNorm(6),
    nn.GELU,
    nn.Identity,
    lambda: nn.PReLU(6),
    Counting,
    lambda: First(nn.LSTM(6, 6, 2, dropout=0.5)),
    lambda: First(nn.GRU(6, 3, bidirectional=True)),
    lambda: First(nn.MultiheadAttention(6, 2, dropout=0.1), three=True),
    lambda: nn.TransformerEncoderLayer(6, 2, 8),
    lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6)),
    Overwrites,
    Halfway,
]


@given(
    choice=st.lists(st.integers(0, len(LAYERS) - 1), max_size=6),
    rows=st.integers(1, 5),
    train=st.booleans(),
)
def test_random_models_come_back_bit_for_bit(choice, rows, train):
    torch.manual_seed(len(choice))
    model = nn.Sequential(*(LAYERS[index]() for index in choice)).train(train)
    before, around = state_of(model), surroundings()
    with Capture(model) as capture:
        output = capture.run((torch.ones(rows, 6),), {}, rows)
    assert (output is None) == (capture.failure is not None)
    assert_same(model, before, around)


def test_an_exception_from_outside_restores_the_model_too():
    model = Counting().train()
    before, around = state_of(model), surroundings()

    def interrupted():
        with Capture(model) as capture:
            capture.run((torch.zeros(4, 6),), {}, 4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert_same(model, before, around)


def test_tensors_made_inside_are_ordinary_ones():
    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 3)
            self.cache = None

        def forward(self, x):
            if self.cache is None:
                self.cache = torch.ones(3)
            return self.layer(x) * self.cache

    model = Caching()
    with Capture(model) as capture:
        capture.run((torch.zeros(4, 6),), {}, 4)
    model(torch.ones(4, 6)).sum().backward()
