"""Initialisation: each layer's scheme, and what fresh weights make of the signal."""

import math

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.records import Outcome
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
