"""Other ways into a model than its forward."""

import copy

import pytest
import torch
from torch import nn

import actdiag
from actdiag.capture.entry import public_methods, view
from actdiag.errors import UsageError

X = torch.randn(120, 6, generator=torch.Generator().manual_seed(0))


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(6, 3), nn.Linear(3, 6)

    def encode(self, x):
        return torch.tanh(self.down(x))

    def error(self, x, scale=1.0):
        return self(x) - scale * x

    def _hidden(self, x):
        return x

    def forward(self, x):
        return self.up(self.encode(x))


def sites(**options):
    report = actdiag.scan(AutoEncoder(), X, steps="none", **options)
    assert report.scan.coverage.failure is None
    return [site.name for site in report.scan.sites]


def test_a_method_in_place_of_forward():
    assert sites(call="encode") == ["input", "down", "tanh"]
    assert sites(call="forward") == sites() == ["input", "down", "tanh", "up"]


def test_the_method_may_call_the_models_own_forward():
    assert sites(call="error") == ["input", "down", "tanh", "up", "output"]


def test_a_method_that_does_not_exist_is_told_with_those_that_do():
    with pytest.raises(UsageError) as caught:
        sites(call="encod")
    assert caught.value.message == "--call encod: AutoEncoder has no method of that name."
    assert caught.value.hint == "It has encode, error, forward."
    with pytest.raises(UsageError):
        sites(call="_hidden")


def test_public_methods_are_the_models_own():
    assert public_methods(AutoEncoder()) == ("encode", "error", "forward")
    assert "append" in public_methods(nn.Sequential())


def test_a_view_shares_everything_and_changes_nothing():
    model = AutoEncoder()
    before = dict(model.__dict__)
    seen = view(model, method="encode")
    assert torch.equal(seen(X), model.encode(X))
    assert type(seen).__qualname__ == "AutoEncoder"
    assert next(seen.parameters()) is next(model.parameters())
    assert torch.equal(copy.deepcopy(seen)(X), model.encode(X))
    assert model.__dict__ == before
    assert type(model) is AutoEncoder


def test_scripted_models_have_no_other_way_in():
    with pytest.raises(UsageError, match="this one is TorchScript"):
        view(torch.jit.script(nn.Sequential(nn.ReLU())), method="forward")
