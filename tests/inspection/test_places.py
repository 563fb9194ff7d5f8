from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.inspection.reading import (
    BINARY,
    CLASSES,
    FFN,
    GATES,
    HIDDEN,
    SCORES,
    VALUES,
    at,
    of_module,
    of_state,
)


def mlp(hidden, *, outputs=3, last=()):
    return nn.Sequential(nn.Linear(4, 8), hidden, nn.Linear(8, outputs), *last)


@pytest.mark.parametrize(
    ("hidden", "fit", "function"),
    [
        (nn.ReLU(), "fits", "relu"),
        (nn.GELU(), "fits", "gelu"),
        (nn.LeakyReLU(0.2), "fits", "leaky_relu"),
        (nn.ReLU6(), "fits", "relu6"),
        (nn.Hardtanh(0, 6), "fits", "relu6"),
        (nn.Tanh(), "differs", "tanh"),
        (nn.Sigmoid(), "differs", "sigmoid"),
    ],
)
def test_hidden_layers(hidden, fit, function):
    found = of_module(mlp(hidden))
    assert at(found, HIDDEN) == (fit, [function])
    assert found.sees_functions
    assert not found.notes


@pytest.mark.parametrize("between", [nn.Identity(), nn.Dropout(), nn.BatchNorm1d(8)])
def test_linear_layers_with_nothing_in_between(between):
    found = of_module(mlp(between))
    assert at(found, HIDDEN) == ("differs", [None])
    assert found.places[0].found[0].layers == ("0 → 2",)


def test_max_pooling_is_something_in_between():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3), nn.ReLU())
    assert at(of_module(model), HIDDEN) == ("absent", [])


@pytest.mark.parametrize(
    ("outputs", "last", "place", "fit", "function"),
    [
        (1, [nn.Sigmoid()], BINARY, "fits", "sigmoid"),
        (1, [], BINARY, "depends", None),
        (1, [nn.Tanh()], BINARY, "differs", "tanh"),
        (1, [nn.Softmax(1)], CLASSES, "differs", "softmax"),
        (3, [nn.Softmax(1)], CLASSES, "fits", "softmax"),
        (3, [nn.LogSoftmax(1)], CLASSES, "fits", "log_softmax"),
        (3, [nn.Sigmoid()], CLASSES, "depends", "sigmoid"),
        (3, [], CLASSES, "depends", None),
        (3, [], VALUES, "fits", None),
        (3, [nn.ReLU()], VALUES, "differs", "relu"),
    ],
)
def test_outputs(outputs, last, place, fit, function):
    found = of_module(mlp(nn.ReLU(), outputs=outputs, last=last))
    assert at(found, place) == (fit, [function])
    assert at(found, HIDDEN) == ("fits", ["relu"])


def test_an_output_of_several_is_not_binary():
    found = of_module(mlp(nn.ReLU()))
    assert at(found, BINARY) == ("absent", [])
    assert at(of_module(mlp(nn.ReLU(), outputs=1)), CLASSES) == ("absent", [])


class Custom(nn.Module):
    """Its forward may call anything."""

    def __init__(self, **parts):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 8), nn.Linear(8, 3)
        for name, part in parts.items():
            setattr(self, name, part)


def test_what_a_forward_may_call_is_not_seen():
    found = of_module(Custom())
    for place in (HIDDEN, CLASSES, VALUES):
        assert at(found, place) == ("not-seen", [None])
    assert not found.sees_functions
    assert "can't be seen without running: actdiag scan sees them" in found.notes[-1]


def test_what_is_kept_last_may_be_applied_anywhere():
    found = of_module(Custom(act=nn.ReLU(), soft=nn.Softmax(1)))
    assert at(found, HIDDEN) == ("fits", ["relu"])
    assert at(found, CLASSES) == ("fits", ["softmax"])
    assert "kept last" in found.places[3].found[0].note
    gate = of_module(Custom(gate=nn.Sigmoid(), fc3=nn.Linear(3, 3)))
    assert at(gate, HIDDEN) == ("depends", ["sigmoid"])


@pytest.mark.parametrize(("name", "fit"), [("relu", "differs"), ("gelu", "fits")])
def test_an_encoder_layer_of_torch(name, fit):
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=name)
    found = of_module(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    assert at(found, FFN) == (fit, [name])
    assert at(found, SCORES) == ("fits", ["softmax"])
    assert at(found, HIDDEN) == ("absent", [])
    state = of_state(nn.TransformerEncoderLayer(8, 2, 16).state_dict())
    assert at(state, FFN) == ("not-seen", [None])
    assert at(state, SCORES) == ("fits", ["softmax"])  # the names are torch's own


def test_a_feed_forward_network_needs_an_attention_beside_it():
    assert at(of_module(mlp(nn.ReLU(), outputs=4)), FFN) == ("absent", [])


def bert_layer():
    names = {
        **{f"attention.self.{part}": (8, 8) for part in ("query", "key", "value")},
        "attention.output.dense": (8, 8),
        "intermediate.dense": (32, 8),
        "output.dense": (8, 32),
    }
    return {
        f"encoder.layer.0.{name}.weight": torch.zeros(shape) for name, shape in names.items()
    } | {"classifier.weight": torch.zeros(5, 8)}


def test_a_transformer_by_the_names_of_its_weights():
    found = of_state(bert_layer(), config={"hidden_act": "gelu"})
    assert at(found, FFN) == ("fits", ["gelu"])
    assert at(found, SCORES) == ("not-seen", [None])
    assert found.places[1].found[0].layers == ("encoder.layer.0",)
    assert found.places[3].note == "5 outputs (classifier)"


def test_matrices_kept_the_other_way_round():
    block = {
        "h.0.attn.c_attn.weight": torch.zeros(8, 24),
        "h.0.attn.c_attn.bias": torch.zeros(24),
        "h.0.attn.c_proj.weight": torch.zeros(8, 8),
        "h.0.mlp.c_fc.weight": torch.zeros(8, 32),
        "h.0.mlp.c_fc.bias": torch.zeros(32),
        "h.0.mlp.c_proj.weight": torch.zeros(32, 8),
        "h.0.mlp.c_proj.bias": torch.zeros(8),
    }
    assert at(of_state(block), FFN) == ("not-seen", [None])
    assert of_state(block).places[1].found[0].layers == ("h.0.mlp",)


@pytest.mark.parametrize(
    ("cell", "fit", "functions"),
    [
        (nn.LSTM(3, 4), "fits", ["sigmoid"]),
        (nn.GRU(3, 4), "fits", ["sigmoid"]),
        (nn.RNN(3, 4), "absent", []),
    ],
)
def test_recurrent_layers(cell, fit, functions):
    assert at(of_module(cell), GATES) == (fit, functions)
    state = {f"rnn.{name}": tensor for name, tensor in cell.state_dict().items()}
    assert at(of_state(state), GATES) == (fit, functions)
