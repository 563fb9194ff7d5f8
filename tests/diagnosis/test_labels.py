"""Labels that don't belong to a sound model's answers, told from a model that is no good."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import actdiag
from actdiag.records import CauseVerdict
from actdiag.rules import labels

MODELS = "sample_models/models"


def _data(name="digits"):
    with np.load(f"sample_models/data/{name}.npz") as file:
        return file["x"], file["y"]


def _report(model="digits_mlp", change=lambda y: y, data="digits"):
    x, y = _data(data)
    return actdiag.scan(f"{MODELS}/{model}.pt", (x, change(y)))


def _shuffled(y):
    return np.random.default_rng(0).permutation(y)


def _first(report):
    return {diagnosis.symptom: diagnosis for diagnosis in report.diagnoses}


@pytest.mark.parametrize("change", [_shuffled, lambda y: np.roll(y, 1)])
@pytest.mark.parametrize("model", ["digits_mlp", "digits_cnn", "with_activation"])
def test_labels_of_other_samples_are_doubted_first(model, change):
    found = _first(_report(model, change))
    for symptom in ("not-learning", "confident-but-wrong"):
        assert found[symptom].cause == "labels-of-other-samples"
        assert found[symptom].advice.startswith("Check that the labels belong to these samples")
        [cause] = [one for one in found[symptom].causes if one.name == found[symptom].cause]
        assert cause.verdict is CauseVerdict.CONFIRMED
        assert "say nothing of these labels, however the classes are numbered" in cause.evidence


def test_a_binary_classifier_with_shuffled_labels_is_not_to_be_divided():
    found = _first(_report("cancer_mlp", _shuffled, "cancer"))
    assert {one.cause for one in found.values()} == {"labels-of-other-samples"}


def test_another_numbering_of_the_classes_is_named():
    report = _report(change=lambda y: (y + 3) % 10)
    [finding] = [one for one in report.findings if one.code == "DAT707"]
    assert "read 0 as class 7, 1 as class 8" in finding.message
    assert finding.measured["accuracy_after"] > 0.9
    assert all(one.cause == "labels-numbered-otherwise" for one in report.diagnoses)
    assert len(report.diagnoses) == 2


def test_two_classes_swapped_are_named_though_the_model_is_far_from_chance():
    report = _report(change=lambda y: np.where(y == 1, 7, np.where(y == 7, 1, y)))
    [finding] = [one for one in report.findings if one.code == "DAT707"]
    assert finding.measured["pairs"] == [[1, 7], [7, 1]]


@pytest.mark.parametrize(
    "model", ["digits_mlp", "constant_output", "sigmoid_stack", "symmetric_init", "overconfident"]
)
def test_labels_that_belong_are_not_doubted(model):
    report = _report(model)
    assert not [one for one in report.findings if one.code == "DAT707"]
    assert not [one for one in report.diagnoses if one.cause.startswith("labels-")]


@pytest.mark.parametrize("seed", range(4))
def test_untrained_models_are_not_sound_ones(seed):
    import torch

    torch.manual_seed(seed)
    x, y = _data("cancer")
    model = torch.nn.Sequential(torch.nn.Linear(30, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    scan = actdiag.scan(model, (x, y)).scan
    assert labels.renumbered(scan) is None
    assert not labels.unrelated(scan)


def test_one_label_per_sample_where_one_per_position_is_needed():
    import torch

    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 2), torch.nn.Softmax(1))
    images = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    report = actdiag.scan(model, (images, torch.arange(40) % 2))
    [finding] = [one for one in report.findings if one.code == "DAT707"]
    assert finding.remedy == (
        "One label per position is needed, of shape (40, 7, 7): you gave one per sample."
    )


def test_a_sure_model_whose_weights_look_fresh_is_not_sent_to_training():
    report = _report("deep_mlp", _shuffled)
    assert report.diagnoses
    assert all("check that the labels belong" in one.advice for one in report.diagnoses)
    shifted = _report("deep_mlp", lambda y: (y + 1) % 10)
    assert {one.cause for one in shifted.diagnoses} == {"labels-numbered-otherwise"}


def _of_targets(change):
    report = _report("diabetes", change, "diabetes")
    [finding] = [one for one in report.findings if one.code == "OUT212"]
    return finding, _first(report)["not-learning"]


@pytest.mark.parametrize("change", [_shuffled, lambda y: np.roll(y, 1)])
def test_targets_of_other_samples_are_doubted_first(change):
    finding, found = _of_targets(change)
    assert found.cause == "labels-of-other-samples"
    assert "the targets may not belong to these samples" in finding.message
    assert finding.remedy.startswith("Check that the labels belong to these samples")


@pytest.mark.parametrize("factor", [10, -3, 0.02])
def test_targets_in_another_unit_are_told_with_the_factor(factor):
    finding, found = _of_targets(lambda y: factor * y + 4)
    assert found.cause == "targets-scaled-otherwise"
    assert found.advice.startswith("Give the targets as the training had them")
    told = float(finding.message.partition("multiplied by ")[2].split()[0])
    assert told == pytest.approx(factor, rel=0.2)
    assert "they would explain 50.5 % of the variance" in finding.message


def test_noise_for_targets_is_no_other_unit_and_an_untrained_model_is_not_excused():
    x, y = _data("diabetes")
    torch.manual_seed(0)
    fresh = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 1)).eval()
    with torch.no_grad():
        scale = y.std() / fresh(torch.from_numpy(x).float()).std()
    report = actdiag.scan(
        fresh, (x, np.random.default_rng(1).normal(y.mean(), y.std() / scale, y.shape))
    )
    assert labels.scaled_otherwise(report.scan) is None
    assert not labels.unrelated_targets(report.scan)
    assert _first(report)["not-learning"].cause not in {
        "labels-of-other-samples",
        "targets-scaled-otherwise",
    }
