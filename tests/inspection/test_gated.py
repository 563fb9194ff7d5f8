from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.inspection.reading import FFN, at, of_module, of_state

WIDTH, HIDDEN = 6, 10


def matrices(names, shapes, *, bias=False, at="layers.0.ffn."):
    """A state dict of linear layers ``(outputs, inputs)``."""
    state = {}
    for name, shape in zip(names, shapes, strict=True):
        state[f"{at}{name}.weight"] = torch.zeros(shape)
        if bias:
            state[f"{at}{name}.bias"] = torch.zeros(shape[0])
    return state


THREE = [(HIDDEN, WIDTH), (HIDDEN, WIDTH), (WIDTH, HIDDEN)]


@pytest.mark.parametrize(
    ("gate", "up", "down"),
    [
        ("gate_proj", "up_proj", "down_proj"),
        ("w1", "w3", "w2"),
        ("W_gate", "W_up", "W_down"),
        ("wi_0", "wi_1", "wo"),
        ("linear_gate", "linear_v", "out"),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1)])
def test_recognised_by_names_in_any_order(gate, up, down, order):
    names = [gate, up, down]
    state = matrices([names[i] for i in order], [THREE[i] for i in order])
    (network,) = of_state(state).gated
    assert (network.gate, network.up, network.down) == tuple(f"layers.0.ffn.{n}" for n in names)
    assert (network.width, network.hidden, network.by) == (WIDTH, HIDDEN, "names")
    assert network.parameters == 3 * WIDTH * HIDDEN
    assert network.two_matrix_parameters == 2 * WIDTH * HIDDEN
    assert network.function is None


def test_recognised_by_shapes_where_names_do_not_tell():
    (network,) = of_state(matrices(["a", "b", "c"], THREE, bias=True)).gated
    assert network.by == "shapes"
    assert network.down == "layers.0.ffn.c"
    assert network.parameters == 3 * WIDTH * HIDDEN + 2 * HIDDEN + WIDTH
    assert network.two_matrix_parameters == 2 * WIDTH * HIDDEN + HIDDEN + WIDTH


@pytest.mark.parametrize(
    ("names", "by"), [(["gate_up_proj", "down_proj"], "names"), (["fc1", "fc2"], "shapes")]
)
def test_gate_and_up_in_one_matrix(names, by):
    (network,) = of_state(matrices(names, [(2 * HIDDEN, WIDTH), (WIDTH, HIDDEN)], bias=True)).gated
    assert network.gate == network.up == f"layers.0.ffn.{names[0]}"
    assert (network.hidden, network.by) == (HIDDEN, by)
    assert network.parameters == 3 * WIDTH * HIDDEN + 2 * HIDDEN + WIDTH
    assert network.two_matrix_parameters == 2 * WIDTH * HIDDEN + HIDDEN + WIDTH


def test_beside_an_attention_in_one_block():
    square = [(WIDTH, WIDTH)] * 4
    state = matrices(["wq", "wk", "wv", "wo"], square, at="blocks.0.attention.")
    state |= matrices(["w1", "w2", "w3"], [THREE[0], THREE[2], THREE[1]], at="blocks.0.")
    (network,) = of_state(state).gated
    assert (network.name, network.gate) == ("blocks.0", "blocks.0.w1")


def test_experts_are_networks_of_their_own():
    state = {}
    for number in range(4):
        state |= matrices(["w1", "w2", "w3"], [THREE[0], THREE[2], THREE[1]], at=f"e.{number}.")
    assert [network.name for network in of_state(state).gated] == ["e.0", "e.1", "e.2", "e.3"]


@pytest.mark.parametrize(
    "shapes",
    [
        [(HIDDEN, WIDTH), (WIDTH, HIDDEN)],  # two matrices
        [(4, WIDTH), (4, WIDTH), (WIDTH, 4)],  # two heads of a bottleneck, and back
        [(HIDDEN, WIDTH), (HIDDEN, HIDDEN), (WIDTH, HIDDEN)],  # three in a row
        [(WIDTH, WIDTH)] * 3,
    ],
)
def test_other_networks_are_not_gated(shapes):
    names = ["fc1", "fc2", "fc3"][: len(shapes)]
    assert of_state(matrices(names, shapes)).gated == ()


class Gated(nn.Module):
    def __init__(self, **parts):
        super().__init__()
        self.gate_proj = nn.Linear(WIDTH, HIDDEN)
        self.up_proj = nn.Linear(WIDTH, HIDDEN)
        self.down_proj = nn.Linear(HIDDEN, WIDTH)
        for name, part in parts.items():
            setattr(self, name, part)


class GEGLU(Gated):
    """Named after what it does."""


@pytest.mark.parametrize(
    ("module", "form", "function", "seen_in", "fit"),
    [
        (Gated(act_fn=nn.SiLU()), "swiglu", "silu", "module", "fits"),
        (Gated(act_fn=nn.GELU("tanh")), "geglu", "gelu_tanh", "module", "fits"),
        (Gated(act=nn.functional.relu), "reglu", "relu", "attribute", "differs"),
        (Gated(act=nn.Sigmoid()), "glu", "sigmoid", "module", "differs"),
        (GEGLU(), "geglu", "gelu", "class name", "fits"),
        (Gated(), None, None, "", "not-seen"),
    ],
)
def test_the_function_on_the_gate(module, form, function, seen_in, fit):
    found = of_module(module)
    (network,) = found.gated
    assert (network.form, network.function, network.seen_in) == (form, function, seen_in)
    assert at(found, FFN)[0] == fit


def test_a_configuration_tells_the_function():
    found = of_state(matrices(["gate_proj", "up_proj", "down_proj"], THREE), config={"act": "silu"})
    assert (found.gated[0].form, found.gated[0].seen_in) == ("swiglu", "configuration")
