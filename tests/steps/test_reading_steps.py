"""Steps that read the record: the profile over depth, regularisation, over-fitting."""

import math

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.steps import carry_out
from actdiag.steps.base import Case
from actdiag.steps.depth import over_depth
from tests.steps.build import network


def told(name, report):
    return carry_out([name], Case(report.scan, report.findings))[name]


def data(samples=200):
    x = torch.randn(samples, 8, generator=torch.Generator().manual_seed(0))
    return x, torch.arange(samples) % 3


def test_statistics_hold_the_profile_over_depth_and_tell_it():
    module, (x, y) = network(), data()
    step = told("check-statistics", scan(module, (x, y)))
    assert [entry["site"] for entry in step.measured["profile"]] == ["0", "1", "2", "3", "4"]
    for place, entry in enumerate(step.measured["profile"], 1):
        at = module[:place](x)
        assert entry["std"] == pytest.approx(at.std(correction=0).item(), rel=1e-5)
        assert entry["mean"] == pytest.approx(at.mean().item(), rel=1e-4, abs=1e-6)
        assert entry["zero_fraction"] == pytest.approx((at == 0).double().mean().item())
    spread = [f"{entry['site']}: {entry['std']:.3g}" for entry in step.measured["profile"]]
    assert step.result.endswith(f"Std over depth: {', '.join(spread)}.")


@pytest.mark.parametrize(
    ("many", "places"),
    [(0, []), (1, [0]), (6, [0, 1, 2, 3, 4, 5]), (11, [0, 2, 4, 6, 8, 10])],
)
def test_at_most_six_places_are_told_the_first_and_the_last_among_them(many, places):
    values = [(str(place), "x") for place in range(many)]
    assert over_depth(values) == ", ".join(f"{place}: x" for place in places)


def test_regularisation_lists_what_there_is_and_the_size_of_the_last_weights(tmp_path):
    module = nn.Sequential(
        *network()[:2], nn.LayerNorm(32), nn.Dropout(0.2), nn.Linear(32, 3, bias=False)
    )
    optimizer = torch.optim.AdamW(module.parameters(), 1e-3, weight_decay=0.05)
    path = tmp_path / "model.pt"
    torch.save({"model": module, "optimizer": optimizer.state_dict()}, path)
    step = told("check-regularisation", scan(path, data()))
    norm = module[-1].weight.norm().item()
    fresh = module[-1].weight.std(correction=0).item() / math.sqrt(2 / (32 + 3))
    assert step.result == (
        "The model has dropout in 1 place (3: 0.2), 1 normalisation layers, weight decay 0.05. The "
        f"last layer's weights, 4.weight, have norm {norm:.3g}, {fresh:.3g} × a fresh one's."
    )
    assert step.measured["final_norm"] == pytest.approx(norm, rel=1e-6)


def test_over_fitting_compares_confidence_too():
    module, (x, y) = network().eval(), data()
    step = told("check-overfitting", scan(module, (x[:100], y[:100]), train_data=(x, y)))
    confidence = module(x).softmax(1).amax(1).mean().item()
    assert step.measured["train_confidence"] == pytest.approx(confidence, rel=1e-5)
    assert f"mean confidence {100 * confidence:.1f} % in training" in step.result
