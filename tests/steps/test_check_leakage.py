"""Leakage: what is shared, and how much of the accuracy rests on it."""

import pytest
import torch
from scipy.stats import binomtest
from torch import nn
from torch.nn import functional as F

from actdiag import scan
from actdiag.records import Outcome
from actdiag.steps import carry_out
from actdiag.steps.base import Case
from actdiag.steps.check_leakage import wilson


def told(model, data, **options):
    report = scan(model, data, **options)
    return carry_out(["check-leakage"], Case(report.scan, report.findings))["check-leakage"]


def samples(many, seed=0):
    """Random labels: nothing can be learnt of them but by heart."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(many, 20, generator=generator), torch.arange(many) % 2


@pytest.fixture(scope="module")
def by_heart():
    """A network that has learnt its training data by heart."""
    x, y = samples(150)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 2))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.97, 1.0])
def test_the_interval_is_wilsons(share):
    answers = 200
    wanted = binomtest(round(share * answers), answers).proportion_ci(0.95, "wilson")
    assert wilson(share, answers) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_accuracy_that_rests_on_shared_and_nearly_shared_samples(by_heart):
    (x, y), (others, their) = samples(150), samples(100, seed=1)
    near = x[50:100] + 0.01
    data = (torch.cat((x[:50], near, others)), torch.cat((1 - y[:4], y[4:100], their)))
    step = told(by_heart, data, train_data=(x, y))
    assert step.outcome is Outcome.DONE
    assert (step.measured["shared"], step.measured["near"]) == (50, 50)
    assert step.measured["label_conflicts"] == 4
    low, high = step.measured["unseen_interval"]
    assert low < 0.5 < high < step.measured["accuracy"]
    assert "50 of 200 samples (25.0 %) are training samples, value for value" in step.result
    assert "; 50 more lie within a fifth of the usual distance of one" in step.result
    assert "points rest on them; the second is what to believe." in step.result


def test_accuracy_that_rests_on_nothing_shared():
    x, y = samples(400)
    y = (x[:, 0] > 0).long()
    model = nn.Linear(20, 2)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    with torch.no_grad():
        model.weight[1, 0] = 3.0
    step = told(model, (x[:200], y[:200]), train_data=(x[190:], y[190:]))
    assert step.measured["accuracy"] == step.measured["unseen_accuracy"] == 1
    assert step.result.endswith("no clear difference.")


def test_shared_samples_with_wrong_labels_lower_it(by_heart):
    (x, y), (others, _) = samples(150), samples(100, seed=1)
    data = (torch.cat((x, others)), torch.cat((1 - y, by_heart(others).argmax(1))))
    step = told(by_heart, data, train_data=(x, y))
    assert step.measured["label_conflicts"] == 150
    assert step.result.endswith("they lower it by 60.0 points; their labels may be wrong.")


def test_all_of_it_shared_leaves_nothing_to_judge_by(by_heart):
    step = told(by_heart, samples(150), train_data=samples(150))
    assert step.result.endswith("The accuracy rests on them alone. Take them out and judge again.")


def test_nothing_shared(by_heart):
    step = told(by_heart, samples(100, seed=1), train_data=samples(150))
    assert step.outcome is Outcome.NO_EFFECT
    assert step.result == (
        "None of 100 samples is among the 150 training samples, not even nearly (100 were compared "
        "with 150)."
    )


def test_a_bounded_search_says_so(by_heart, monkeypatch):
    monkeypatch.setattr("actdiag.passes.near.MOST_KNOWN", 60)
    step = told(by_heart, samples(100, seed=1), train_data=samples(150))
    assert "(100 were compared with 60, drawn at random)" in step.result


def test_without_training_data_it_says_what_to_give(by_heart):
    step = told(by_heart, samples(100))
    assert step.outcome is Outcome.NEEDS_INPUT
    assert "--train-data" in step.result
