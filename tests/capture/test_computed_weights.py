"""Layers whose weight is computed from others: weight norm and spectral norm."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm

from actdiag.capture.weights import weights_of
from actdiag.steps.initialising import initialise


def _older_weight_norm(layer):
    with pytest.warns(FutureWarning):
        return torch.nn.utils.weight_norm(layer)


NORMS = {
    "weight-norm": parametrizations.weight_norm,
    "older-weight-norm": _older_weight_norm,
    "spectral-norm": parametrizations.spectral_norm,
    "older-spectral-norm": spectral_norm,
}


@pytest.fixture(params=NORMS)
def layer(request):
    torch.manual_seed(0)
    return NORMS[request.param](nn.Linear(64, 64)).eval()


def test_its_scale_is_told_once_and_is_that_of_the_weight_it_uses(layer):
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    scaled = [weight for weight in weights_of(layer) if weight.he_ratio is not None]
    assert [weight.name for weight in scaled] == ["weight"]
    assert scaled[0].std == pytest.approx(layer.weight.std(correction=0).item(), rel=1e-4)
    assert scaled[0].trainable
    assert all(value.equal(before[name]) for name, value in layer.state_dict().items())


def test_reading_in_training_moves_no_vectors():
    layer = parametrizations.spectral_norm(nn.Linear(64, 64)).train()
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    weights_of(layer)
    assert layer.training
    assert all(value.equal(before[name]) for name, value in layer.state_dict().items())


def test_it_is_drawn_afresh_like_any_other(layer):
    x = torch.randn(200, 64)
    before = layer(x)
    initialise(layer, lambda _: "he")
    after = layer(x)
    assert not torch.allclose(before, after)
    assert 0.1 < after.std() < 10
