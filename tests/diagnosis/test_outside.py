"""Causes outside the hidden layers: labels counted from 1, the last function, norms, gates."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

import actdiag
from actdiag.diagnosis.base import works_inside
from actdiag.records import CauseVerdict, Confidence, Finding, Role, Severity
from tests.diagnosis import build

EIGHT = torch.randn(400, 8, generator=build.seeded(3))
CLASSES = EIGHT[:, :3].argmax(1)


def _trained(module, labels, loss, *, steps=80):
    optimiser = torch.optim.Adam(module.parameters(), 0.02)
    for step in range(steps):
        rows = slice(step % 4 * 64, step % 4 * 64 + 64)
        optimiser.zero_grad()
        loss(module(EIGHT[rows]), labels[rows]).backward()
        optimiser.step()
    return module.eval()


@cache
def _normed(momentum=0.1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        norms = [nn.BatchNorm1d(16, momentum=momentum) for _ in range(2)]
        first, second = nn.Linear(8, 16), nn.Linear(16, 16)
        layers = [first, norms[0], nn.ReLU(), second, norms[1], nn.ReLU(), nn.Linear(16, 3)]
        with torch.no_grad():
            first.weight.mul_(5)
            first.bias.add_(20)
        return _trained(nn.Sequential(*layers), CLASSES, cross_entropy)


def _first(module, data, **options):
    report = actdiag.scan(module, data, steps="none", **options)
    return report, {diagnosis.symptom: diagnosis for diagnosis in report.diagnoses}


def _cause(diagnosis, name):
    return next((cause for cause in diagnosis.causes if cause.name == name), None)


def test_norms_that_remember_other_data_are_blamed_where_train_mode_does_better():
    report, found = _first(_normed(momentum=1e-6), (EIGHT, CLASSES))
    [finding] = [each for each in report.findings if each.code == "ACT117"]
    modes = report.scan.train_eval
    assert modes.score_in_train > 0.8
    assert modes.score_in_eval == pytest.approx(report.scan.output.accuracy, abs=0.2)
    assert f"They score {modes.score_in_train:.2f} in train mode" in finding.message
    assert found
    for diagnosis in found.values():
        assert diagnosis.cause == "unfit-norm-statistics"
        assert diagnosis.advice == finding.remedy


def test_norms_whose_statistics_fit_are_not_blamed():
    report, found = _first(_normed(), (EIGHT, CLASSES.roll(7)))
    assert found
    assert not any(_cause(each, "unfit-norm-statistics") for each in found.values())
    assert report.scan.train_eval.score_in_train < 0.7


def test_a_last_function_that_cannot_reach_the_targets_is_blamed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
        targets = EIGHT[:, :1] - 2
        report, found = _first(_trained(module, targets, mse_loss), (EIGHT, targets))
    [finding] = [each for each in report.findings if each.code == "OUT210"]
    diagnosis = found["not-learning"]
    assert (diagnosis.cause, diagnosis.advice) == ("wrong-output-activation", finding.remedy)
    assert _cause(diagnosis, diagnosis.cause).evidence == finding.message
    assert finding.fingerprint in diagnosis.findings


def test_a_softmax_over_one_class_is_blamed_for_the_same_answers():
    module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Softmax(1))
    _, found = _first(module, (EIGHT, (EIGHT[:, 0] > 0).long()))
    diagnosis = found["outputs-all-same"]
    assert diagnosis.cause == "wrong-output-activation"
    assert diagnosis.advice.startswith("Use a sigmoid on the one output")


def test_labels_that_run_from_1_are_blamed_in_every_diagnosis():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        trained = _trained(module, CLASSES, cross_entropy)
    _, found = _first(trained, (EIGHT, CLASSES + 1))
    assert set(found) == {"not-learning", "confident-but-wrong"}
    assert {each.cause for each in found.values()} == {"labels-numbered-otherwise"}
    assert {each.advice.partition(" in the order")[0] for each in found.values()} == {
        "Number the classes from 0"
    }


class _Steps(nn.Module):
    """A GRU over the eight features as steps."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 12, batch_first=True)
        self.head = nn.Linear(12, build.CLASSES)

    def forward(self, x):
        return self.head(self.gru(x.unsqueeze(-1))[0][:, -1])


@pytest.mark.parametrize(("gradients", "verdict"), [(False, "unknown"), (True, "ruled-out")])
def test_the_gates_of_recurrent_layers_are_not_overlooked(gradients, verdict):
    _, found = _first(_Steps().eval(), build.at_random(), gradients=gradients)
    slopes = _cause(found["not-learning"], "vanishing-gradients")
    assert slopes.verdict == CauseVerdict(verdict)
    assert "those inside recurrent layers" in slopes.evidence
    saturated = _cause(found["not-learning"], "saturated-activations")
    assert saturated.verdict is CauseVerdict.RULED_OUT
    assert "few of their units are stuck" in saturated.evidence


def test_gates_that_are_stuck_are_saturated_activations():
    module = _Steps().eval()
    with torch.no_grad():
        module.gru.bias_ih_l0[:12].add_(torch.tensor([30.0, -30.0] * 6))  # the reset gate's
    report, found = _first(module, build.at_random())
    assert any(site.role is Role.GATE for site in report.scan.sites)
    saturated = _cause(found["not-learning"], "saturated-activations")
    assert saturated.verdict is CauseVerdict.CONFIRMED
    assert "gru/" in saturated.evidence


def _found(code, severity):
    return Finding(code, "", severity, Confidence.HIGH, None, None, None, "", fingerprint=code)


def test_some_idle_units_make_no_model_unsound():
    assert works_inside((_found("ACT101", Severity.WARNING), _found("INI404", Severity.WARNING)))
    assert works_inside((_found("INI401", Severity.INFO), _found("OUT203", Severity.ERROR)))
    assert not works_inside((_found("ACT101", Severity.ERROR),))
    assert not works_inside((_found("INI401", Severity.WARNING),))


def test_sure_mistakes_on_raw_pixels_are_put_down_to_the_pixels():
    raw = "sample_models/data/digits_8bit.npz"
    [found] = actdiag.scan("sample_models/models/deep_mlp.pt", raw, steps="none").diagnoses
    assert found.symptom == "confident-but-wrong"
    assert found.cause == "unnormalised-input"
    assert found.advice.startswith("Divide the pixels by 255")
    assert _cause(found, found.cause).verdict is CauseVerdict.CONFIRMED


def test_one_class_throughout_is_put_down_to_labels_of_mostly_that_class():
    rare = (torch.rand(400, generator=build.seeded(5)) < 0.04).long()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        _, found = _first(_trained(module, rare, cross_entropy, steps=25), (EIGHT, rare))
    advice = found["outputs-all-same"].advice
    assert advice.partition(" %")[2].startswith(" of the labels are one class. Balance the classes")


def test_where_the_signal_dies_it_is_not_said_that_nothing_inside_explains_it():
    layer = nn.Linear(8, 4)
    layer.bias.data = torch.arange(4.0)
    faint = nn.Sequential(layer)
    faint.forward = lambda x: layer(1e-4 * x)
    [card] = actdiag.scan(faint, (EIGHT, EIGHT[:, :4]), steps="none").diagnoses

    assert (card.symptom, card.where) == ("not-learning", "0")
    assert card.advice == "No documented cause was confirmed: begin with the layer named here."


def test_without_a_documented_cause_an_error_inside_comes_first():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        pooled = nn.Sequential(layer, nn.Linear(8, 3))
    layer.self_attn.in_proj_weight.data[:16] *= 100
    pooled.forward = lambda x: pooled[1](layer(x).mean(1) * 9 + 1)
    rows = torch.randn(200, 6, 8, generator=build.seeded(4))
    card = actdiag.scan(pooled, (rows, CLASSES[:200]), steps="none").diagnoses[0]

    assert card.symptom == "not-learning"
    assert card.advice.startswith("No documented cause was confirmed. Begin with ATT303: Check the")
