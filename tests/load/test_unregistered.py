"""Layers in plain lists and dictionaries are told, for nothing trains them."""

from __future__ import annotations

import pytest
from torch import nn

import actdiag
from actdiag.load.unregistered import unregistered
from tests.diagnosis import build


class Plain(nn.Module):
    """Keeps what it is given under ``layers``, which torch sees only in its own containers."""

    def __init__(self, layers, registered=None):
        super().__init__()
        self.layers, self.registered, self.head = layers, registered, nn.Linear(8, 2)

    def forward(self, x):
        for layer in self.layers.values() if isinstance(self.layers, dict) else self.layers:
            x = layer(x).relu()
        return self.head(x)


def linears(amount):
    return [nn.Linear(8, 8) for _ in range(amount)]


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (linears(2), "layers[0] (Linear), layers[1] (Linear). Use"),
        (
            tuple(linears(5)),
            "layers[0] (Linear), layers[1] (Linear), layers[2] (Linear) and 2 more.",
        ),
        ({"a": nn.Linear(8, 8)}, "layers['a'] (Linear)."),
    ],
)
def test_what_only_a_plain_container_holds_is_named(layers, said):
    [note] = unregistered(nn.Sequential(Plain(layers)))
    assert said.replace("layers", "0.layers") in note


def test_what_is_registered_or_not_to_be_trained_is_nothing_odd():
    shared = nn.ModuleList(linears(2))
    assert unregistered(Plain(list(shared), shared)) == ()
    assert unregistered(Plain(shared)) == ()
    assert unregistered(Plain([nn.ReLU(), nn.Linear(8, 8).requires_grad_(False)])) == ()


def test_the_report_says_it():
    note = actdiag.scan(Plain(linears(2)), build.at_random()[0], steps="none").scan.coverage.note
    assert "no optimizer finds their parameters" in note
