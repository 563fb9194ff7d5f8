"""Dropout before the final layer: where there is any, and how single passes answer."""

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.records import Outcome
from actdiag.steps import carry_out
from actdiag.steps.base import Case
from actdiag.steps.bench import Bench, seeded
from tests.steps.build import network


def told(module, data):
    report = scan(module, data, steps="none")
    bench = Bench(module, (Whole(*data),))
    return carry_out(["add-dropout"], Case(report.scan, report.findings, bench))["add-dropout"]


class Whole:
    """All of the data as one batch."""

    def __init__(self, x, labels):
        self.inputs, self.kwargs, self.labels, self.samples = (x,), {}, labels, len(x)


def data(samples=200):
    x = torch.randn(samples, 8, generator=torch.Generator().manual_seed(0))
    return x, torch.arange(samples) % 3


def test_the_passes_are_those_of_dropout_by_hand():
    module, (x, y) = network(), data()
    step = told(module, (x, y))
    hidden = module[:-1](x)
    plain = module[-1](hidden)
    with seeded(0), torch.no_grad():
        passes = [module[-1](nn.functional.dropout(hidden, 0.5, training=True)) for _ in range(20)]
    agreed = torch.stack([one.argmax(1) == plain.argmax(1) for one in passes])
    assert step.measured["agreement"] == pytest.approx(agreed.double().mean().item())
    mean = torch.stack([one.softmax(1) for one in passes]).mean(0)
    assert step.measured["mean_confidence"][1] == pytest.approx(mean.amax(1).mean().item())
    assert f"{100 * step.measured['agreement']:.1f} % of the passes agree" in step.result


def test_dropout_that_is_there_is_named_with_its_rate():
    module = nn.Sequential(*network()[:-1], nn.Dropout(0.3), nn.Linear(32, 3)).eval()
    step = told(module, data())
    assert step.outcome is Outcome.DONE
    assert step.result.startswith("The model has dropout: 4 (p = 0.3). On a copy, dropout of 0.5")
    assert step.measured["dropout"] == {"4": 0.3}
    assert not module.training


def test_classes_along_axis_one_are_found():
    module = nn.Sequential(nn.Conv2d(2, 5, 1))
    x = torch.randn(40, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    step = told(module, (x, torch.randint(5, (40, 3, 3))))
    assert 0 < step.measured["agreement"] <= 1
    assert step.measured["mean_confidence"][1] < 1


def test_a_regression_has_no_confidence():
    step = told(nn.Linear(8, 1), (data()[0], torch.randn(200, 1)))
    assert step.outcome is Outcome.NOT_APPLICABLE
