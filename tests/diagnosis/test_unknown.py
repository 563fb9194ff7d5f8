"""A cause that cannot be judged says what would settle it."""

import torch
from torch import nn

from actdiag import scan


def confident_and_wrong(*layers):
    """A classifier that is sure, and as often wrong as right."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), *layers, nn.Linear(32, 3))
    with torch.no_grad():
        model[-1].weight.mul_(60)
    x = torch.randn(300, 4)
    labels = model.eval()(x).argmax(1)
    wrong = torch.arange(300) % 2 == 0
    return model, x, torch.where(wrong, (labels + 1) % 3, labels)


def causes(report):
    (diagnosis,) = report.diagnoses
    return {cause.name: cause for cause in diagnosis.causes}


def test_without_training_data_over_fitting_is_unknown_and_says_what_to_give():
    model, x, y = confident_and_wrong()
    cause = causes(scan(model, (x, y)))["over-fitting"]
    assert cause.verdict == "unknown"
    assert "--train-data" in cause.evidence


def test_the_same_confidence_in_training_rules_over_fitting_out():
    model, x, y = confident_and_wrong()
    cause = causes(scan(model, (x, y), train_data=(x + 0.001, y)))["over-fitting"]
    assert cause.verdict == "ruled-out"


def test_dropout_rules_missing_regularisation_out():
    model, x, y = confident_and_wrong(nn.Dropout(0.3))
    cause = causes(scan(model, (x, y)))["missing-regularisation"]
    assert cause.verdict == "ruled-out"
    assert "dropout" in cause.evidence


def never_firing(bias):
    """Forty samples through a layer of ReLUs that none of them wakes; all ones would wake at -3."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    nn.init.ones_(model[0].weight)
    nn.init.constant_(model[0].bias, bias)
    x = torch.eye(4).repeat(10, 1) + 0.01 * torch.rand(40, 4)
    return causes(scan(model, (x, torch.arange(40) % 2)))["dead-relus"]


def test_too_few_samples_leave_dead_relus_unknown():
    found = never_firing(-3.0)
    assert found.verdict == "unknown"
    assert "100" in found.evidence


def test_biases_that_no_input_overcomes_prove_dead_relus_from_few_samples():
    found = never_firing(-100.0)
    assert found.verdict == "confirmed"
    assert "8 of 8 units" in found.evidence
