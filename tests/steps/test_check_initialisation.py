"""Initialisation: each layer's scheme, and what fresh weights make of the signal."""

import math

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.feed import Batch
from actdiag.records import Outcome
from actdiag.steps.initialising import settle
from tests.end_to_end.samples import scanned
from tests.steps.build import network


def step_of(report):
    return {s.id: s for d in report.diagnoses for s in d.steps}["check-initialisation"]


def data():
    x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    return x, torch.arange(200) % 3


def test_each_layer_is_judged_by_the_activation_that_follows_it():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3)
    )
    nn.init.constant_(module[0].bias, -100.0)
    step = step_of(scan(module, data()))
    assert step.measured["schemes"]["0.weight"] == "he"
    assert step.measured["schemes"]["2.weight"] == "xavier"
    he = module[0].weight.std(correction=0).item() / math.sqrt(2 / 8)
    assert step.measured["ratios"]["0.weight"] == pytest.approx(he, rel=1e-4)
    xavier = module[2].weight.std(correction=0).item() / math.sqrt(2 / (32 + 32))
    assert step.measured["ratios"]["2.weight"] == pytest.approx(xavier, rel=1e-4)


def test_the_signal_of_fresh_weights_is_told_layer_by_layer():
    step = step_of(scanned("exploding_init"))
    assert step.outcome is Outcome.HELPS
    rms = [entry["rms"] for entry in step.measured["profile"]]
    assert [entry["site"] for entry in step.measured["profile"]] == [str(i) for i in range(17)]
    assert rms[-1][0] > 1e12
    assert all(0.1 < fresh < 10 for _, fresh in rms)
    assert "; off: 0, 2, 4, 6, 8 …. " in step.result


def test_where_the_scale_is_right_fresh_weights_are_no_remedy():
    module = network()
    nn.init.constant_(module[0].bias, -100.0)
    step = step_of(scan(module, data()))
    assert step.outcome is Outcome.DONE
    assert step.result.endswith(
        "Fresh weights carry the signal: the scale of these is not what stops it."
    )


def test_where_fresh_weights_die_as_well_it_is_said():
    step = step_of(scanned("sigmoid_stack"))
    assert step.outcome is Outcome.DONE
    assert step.result.endswith("Fresh weights do not carry the signal either.")


def test_fresh_norms_remember_nothing_of_the_wild_ones():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(16)
    module = nn.Sequential(nn.Linear(8, 16), norm, nn.ReLU(), nn.Linear(16, 3))
    with torch.no_grad():
        norm.weight.fill_(40.0)
        norm.bias.fill_(-3000.0)
        norm.running_mean.fill_(50.0)
    step = step_of(scan(module, data()))
    rms = {entry["site"]: entry["rms"] for entry in step.measured["profile"]}
    assert rms["2"][0] == 0
    assert rms["2"][1] == pytest.approx(math.sqrt(0.5), rel=0.1)  # of a ReLU behind a fresh norm
    assert "do not carry the signal" not in step.result
    assert norm.bias[0] == -3000.0


def test_one_sample_at_a_time_leaves_fresh_norms_as_they_are():
    norm = nn.BatchNorm1d(3)
    settle(norm, [Batch((torch.ones(1, 3),), samples=1)])
    assert norm.running_mean.tolist() == [0, 0, 0]
    assert (norm.training, norm.momentum) == (False, 0.1)
    settle(norm, [Batch((torch.full((2, 3), value),), samples=2) for value in (1.0, 3.0)])
    assert norm.running_mean.tolist() == [2, 2, 2]
