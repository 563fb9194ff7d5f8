"""A model that knows its training data and nothing else: not that it cannot learn, but what."""

import pytest
import torch
from torch import nn

from actdiag import scan


@pytest.fixture(scope="module")
def report():
    """A regression on targets that have nothing to do with its inputs."""
    torch.manual_seed(0)
    x, y = torch.randn(240, 10), torch.randn(240, 1)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[:40]), y[:40]).backward()
        optimizer.step()
    return scan(model.eval(), (x[40:], y[40:]), train_data=(x[:40], y[:40]), steps="none")


def test_over_fitting_is_the_cause_and_named(report):
    (diagnosis,) = report.diagnoses
    assert diagnosis.symptom == "not-learning"
    assert diagnosis.statement.startswith("The model has not learned more than its training data")
    confirmed = [cause for cause in diagnosis.causes if cause.verdict == "confirmed"]
    assert [cause.name for cause in confirmed] == ["over-fitting"]
    assert "training samples" in confirmed[0].evidence


def test_the_labels_are_to_be_checked_before_it_is_regularised(report):
    (diagnosis,) = report.diagnoses
    assert diagnosis.advice.startswith("Check that the labels belong to these samples")
    assert "dropout" in diagnosis.advice
