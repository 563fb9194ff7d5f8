"""The learning rate: how far its steps move the weights, and the factor that makes them right."""

import copy
from statistics import median

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag import scan
from actdiag.errors import UsageError
from actdiag.records import Outcome
from actdiag.steps import carry_out
from actdiag.steps.base import Case
from tests.steps.build import network

DIGITS = "sample_models/data/digits.npz"


def told(report):
    return carry_out(["reduce-learning-rate"], Case(report.scan, report.findings))[
        "reduce-learning-rate"
    ]


def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(200, 8, generator=generator), torch.arange(200) % 3


def moved(module, optimizer):
    """The median over weight matrices of the relative size of a step that really is made."""
    x, y = data()
    before = copy.deepcopy(module)
    optimizer.zero_grad()
    F.cross_entropy(module(x), y).backward()
    optimizer.step()
    pairs = zip(module.parameters(), before.parameters(), strict=True)
    return median(((a - b).norm() / b.norm()).item() for a, b in pairs if b.dim() > 1)


def test_a_step_of_sgd_at_the_rate_named_is_as_large_as_told():
    step = told(scan(network(), data(), gradients=True, lr=5.0))
    module = network()
    assert step.measured["ratio"] == pytest.approx(
        moved(module, torch.optim.SGD(module.parameters(), 5.0)), rel=1e-3
    )
    module = network()
    mended = torch.optim.SGD(module.parameters(), 5.0 * step.measured["factor"])
    assert moved(module, mended) == pytest.approx(1e-3, rel=1e-2)
    assert step.outcome is Outcome.DONE
    assert "But the steps are too large: At a learning rate of 5, plain sgd moves" in step.result
    assert "Multiply the rate by " in step.result


@pytest.mark.parametrize(
    ("kind", "options", "rule"),
    [
        (torch.optim.Adam, {"lr": 0.3}, "adam"),
        (torch.optim.SGD, {"lr": 3.0, "momentum": 0.9}, "sgd"),
    ],
)
def test_the_checkpoints_own_optimizer_tells_its_steps(tmp_path, kind, options, rule):
    module = network()
    optimizer = kind(module.parameters(), **options)
    moved(module, optimizer)
    path = tmp_path / "last.pt"
    torch.save({"model": module, "optimizer": optimizer.state_dict()}, path)
    step = told(scan(path, data()))
    assert f"{rule} moves the weights by" in step.result
    assert step.measured["ratio"] > 1e-2
    assert step.measured["factor"] == pytest.approx(1e-3 / step.measured["ratio"])
    another = told(scan(path, data(), lr=options["lr"] / 1000))
    assert another.measured["ratio"] == pytest.approx(step.measured["ratio"] / 1000)
    assert another.outcome is Outcome.NOT_APPLICABLE
    assert "the rate is not too high for them" in another.result


def test_activations_explode_and_the_rate_is_what_made_them():
    module = network()
    with torch.no_grad():
        for layer in module:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(100)
    step = told(scan(module, data(), gradients=True, lr=1.0))
    assert step.outcome is Outcome.DONE
    assert step.result.startswith("Activations explode: rms ")
    assert "Multiply the rate by" in step.result


def test_gradients_beyond_any_rate_are_told_apart():
    step = told(scan("sample_models/models/exploding_init.pt", DIGITS, gradients=True, lr=0.1))
    assert step.measured["factor"] < 1e-4
    assert step.result.endswith(
        ": no matter of the rate. Mend what makes the gradients so large first."
    )


def test_what_is_missing_is_said():
    step = told(scan(network(), data(), lr=0.1))
    assert step.outcome is Outcome.NOT_APPLICABLE
    assert step.result.endswith("Add --gradients to see how far --lr 0.1 moves the weights.")
    assert "ratio" not in step.measured
    assert "--lr" not in told(scan(network(), data())).result


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_learning_rate_is_told(rate):
    with pytest.raises(UsageError, match="is no learning rate"):
        scan(network(), data(), lr=rate)
