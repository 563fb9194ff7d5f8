"""Temperature scaling: as large an effect as published, none where there is nothing to mend."""

from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from actdiag import scan
from actdiag.records import Outcome, TemperatureFit
from actdiag.steps import carry_out
from actdiag.steps.base import Case
from tests.render import build


def told(report):
    return carry_out(["temperature-scaling"], Case(report.scan, report.findings))[
        "temperature-scaling"
    ]


def overconfident(seed):
    """A network trained by heart on 300 digits, of which three in ten have a wrong label."""
    digits = load_digits()
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(digits.data), generator=generator)
    x = torch.tensor(digits.data, dtype=torch.float32)[order] / 16
    y = torch.tensor(digits.target)[order]
    wrong = torch.rand(len(y), generator=generator) < 0.3
    y = torch.where(wrong, torch.randint(10, y.shape, generator=generator), y)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        F.cross_entropy(model(x[:300]), y[:300]).backward()
        optimizer.step()
    return model.eval(), (x[300:], y[300:])


class Echo(nn.Module):
    """A model whose logits are its input, times a factor."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        return x * self.scale


def believed(samples=2000, seed=0):
    """Logits, and labels drawn from their softmax: calibrated as well as can be."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(samples, 6, generator=generator)
    return logits, torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)


@pytest.mark.parametrize("seed", [0, 1])
def test_on_nets_trained_to_be_overconfident_the_calibration_error_falls_by_half(seed):
    step = told(scan(*overconfident(seed), steps="none"))
    assert step.outcome is Outcome.HELPS
    assert step.measured["temperature"] > 1.5
    assert step.measured["ece_before"] > 0.15
    assert step.measured["ece_after"] < step.measured["ece_before"] / 2
    assert step.measured["nll_change"][1] < 0 > step.measured["ece_change"][1]
    assert step.measured["brier_after"] < step.measured["brier_before"]
    assert step.measured["accuracy_after"] == step.measured["accuracy_before"]
    for word in ("NLL", "ECE", "Brier", "accuracy", "95 %"):
        assert word in step.result


def test_logits_made_too_sharp_get_back_to_where_they_were():
    step = told(scan(Echo(4.0), believed(), steps="none"))
    assert step.outcome is Outcome.HELPS
    assert step.measured["temperature"] == pytest.approx(4, rel=0.15)
    assert "predictions stay the same" in step.result


def test_on_a_calibrated_model_there_is_no_effect_and_it_says_so():
    step = told(scan(Echo(), believed(), steps="none"))
    assert step.outcome is Outcome.NO_EFFECT
    assert step.result.startswith("No effect: T = ")
    low, high = step.measured["nll_change"]
    assert low < 0 < high


def with_fit(**changes):
    fit = TemperatureFit(2.0, 50, 50, 1.0, 0.8, 0.2, 0.1)
    fit = replace(fit, **{"nll_change": (-0.3, -0.1), "ece_change": (-0.15, -0.05), **changes})
    report = build.healthy()
    assert report.scan.output is not None
    output = replace(report.scan.output, temperature=fit)
    return told(replace(report, scan=replace(report.scan, output=output)))


@pytest.mark.parametrize(
    ("changes", "outcome", "says"),
    [
        ({}, Outcome.HELPS, "Divide the logits by 2;"),
        ({"nll_before": 6e-9, "nll_after": 0.0}, Outcome.NO_EFFECT, "No effect: "),
        ({"nll_change": (-0.5, 0.1)}, Outcome.NO_EFFECT, "No effect: "),
        ({"nll_after": 0.99, "nll_change": (-0.02, -0.001)}, Outcome.NO_EFFECT, "No effect: "),
        (
            {"nll_after": 1.2, "nll_change": (0.1, 0.3)},
            Outcome.NO_EFFECT,
            "It makes things worse: ",
        ),
        ({"ece_change": (-0.1, 0.02)}, Outcome.NO_EFFECT, "The calibration error stays"),
        ({"temperature": 1e15}, Outcome.NO_EFFECT, "do they belong to these samples?"),
        ({"nll_change": None, "ece_change": None}, Outcome.HELPS, "NLL 1 → 0.8, ECE 0.2 → 0.1."),
    ],
)
def test_the_interval_decides_what_is_said(changes, outcome, says):
    step = with_fit(**changes)
    assert step.outcome is outcome
    assert says in step.result
