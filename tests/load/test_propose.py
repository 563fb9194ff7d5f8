"""Factory code is offered only where names and shapes prove a plain network."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from actdiag.load.propose import propose
from tests.load import factories
from tests.load.makers import tiny

PLAIN = [
    (tiny(), torch.ones(2, 4)),
    (
        nn.Sequential(OrderedDict(fc1=nn.Linear(4, 5), fc2=nn.Linear(5, 2, bias=False))),
        torch.ones(2, 4),
    ),
    (
        nn.Sequential(
            nn.Conv2d(1, 8, 3),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, (3, 5), bias=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, 10),
        ),
        torch.ones(2, 1, 20, 20),
    ),
    (nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Conv1d(4, 2, 1)), torch.ones(2, 3, 9)),
    (nn.ModuleDict({"net": tiny()}), torch.ones(2, 4)),
    (
        nn.Sequential(
            OrderedDict(
                features=nn.Sequential(
                    nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3)
                ),
                classifier=nn.Sequential(nn.Linear(72, 5), nn.Dropout(), nn.Linear(5, 2)),
            )
        ),
        torch.ones(2, 1, 28, 28),
    ),
    (
        nn.ModuleDict({"conv": nn.Conv2d(1, 4, 3), "head": nn.Sequential(nn.Linear(36, 2))}),
        torch.ones(2, 1, 9, 9),
    ),
    (
        nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1)),
        torch.ones(2, 4),
    ),
]


@pytest.mark.parametrize(("model", "x"), PLAIN)
def test_the_offered_code_fits_the_weights_and_runs(model, x):
    text = propose(model.state_dict())
    scope: dict = {}
    exec(text, scope)
    built = scope["build"]()
    built.load_state_dict(model.state_dict())
    built(x)
    compile(text, "offered", "exec")
    assert "(assumed)" in text


def test_consecutive_numbers_leave_no_room_for_an_activation():
    text = propose(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).state_dict())
    assert "ReLU" not in text


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(4, 2)),  # doesn't chain
        nn.Sequential(nn.Linear(4, 3)),  # one layer proves nothing
        nn.LSTM(3, 4),
        nn.TransformerEncoderLayer(4, 2, 8),
        nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
        nn.Sequential(nn.Linear(4, 4), nn.Conv1d(4, 2, 1)),  # the wrong way round
        factories.Tied(),
        nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)))),
        nn.ParameterDict({"w": torch.zeros(2, 2)}),
    ],
)
def test_nothing_is_offered_for_anything_else(model):
    assert propose(model.state_dict()) == ""


def test_names_cannot_smuggle_code_into_the_offer():
    evil = '"), __import__("os").system("x'
    state = {f"{evil}.weight": torch.zeros(3, 4), "b.weight": torch.zeros(2, 3)}
    assert propose(state) == ""


def test_an_empty_state_dict():
    assert propose({}) == ""
