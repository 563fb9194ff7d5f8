"""Every cause: confirmed on a model that has it, ruled out where another makes the symptom."""

from functools import cache

import pytest
import torch
from torch import nn

from actdiag import scan
from actdiag.diagnosis import CARDS
from tests.diagnosis import build
from tests.end_to_end.samples import MANIFEST, scanned

MODELS = {
    "dead": build.dead,
    "all-but-dead": build.all_but_dead,
    "tower": build.tower,
    "short-tower": build.short_tower,
    "saturated": build.saturated,
    "scaled-tanh": lambda: build.scaled(30.0, nn.Tanh, depth=2),
    "exploding": lambda: build.scaled(300.0),
    "overflowing": lambda: build.scaled(1e12),
    "tiny": lambda: build.scaled(2e-3),
}
SAME, LEARNING, GRADIENTS, NAN, SURE = (
    "outputs-all-same",
    "not-learning",
    "gradients-vanish",
    "loss-nan",
    "confident-but-wrong",
)

CASES = [
    # symptom, cause, a model that has it, a model that shows the symptom from another cause
    (SAME, "dead-relus", "constant_output", "saturated_tanh"),
    (SAME, "bad-initialisation", "vanishing_init", "sigmoid_stack"),
    (SAME, "saturated-activations", "saturated_tanh", "constant_output"),
    (LEARNING, "dead-relus", "dead", "short-tower"),
    (LEARNING, "vanishing-gradients", "short-tower", "dead"),
    (LEARNING, "saturated-activations", "scaled-tanh", "short-tower"),
    (LEARNING, "bad-initialisation", "exploding", "dead"),
    (GRADIENTS, "vanishing-gradients", "tower", "all-but-dead"),
    (GRADIENTS, "saturated-activations", "saturated", "tower"),
    (GRADIENTS, "dead-relus", "all-but-dead", "tower"),
    (GRADIENTS, "bad-initialisation", "tiny", "tower"),
    (NAN, "non-finite-weights", "diverged_transformer", "log_of_zero"),
    (NAN, "invalid-operation", "log_of_zero", "diverged_transformer"),
    (NAN, "exploding-activations", "overflowing", "log_of_zero"),
    (SURE, "over-fitting", "overconfident", "sure"),
    (SURE, "missing-regularisation", "overconfident", "sure"),
    (SURE, "logits-too-large", "overconfident", "sure"),
]
# Told only where they are confirmed.
BEHIND = [
    (SAME, "unnormalised-input", "raw_table", "constant_output"),
    (SAME, "learning-rate-too-high", "constant_output", "vanishing_init"),
    (SAME, "vanishing-gradients", "sigmoid_stack", "vanishing_init"),
    (LEARNING, "exploding-activations", "exploding_init", "dead"),
    (SURE, "exploding-activations", "exploding_init", "overconfident"),
]


@cache
def diagnosed(name, symptom):
    if name in MANIFEST:
        report = scanned(name)
    elif name == "sure":
        data = build.sure_and_right_as_often_as_sure()
        others = build.sure_and_right_as_often_as_sure(800)
        report = scan(build.Answers(), data, train_data=others)
    else:
        report = scan(MODELS[name](), build.at_random(), gradients=symptom == GRADIENTS)
    found = {diagnosis.symptom: diagnosis for diagnosis in report.diagnoses}
    assert symptom in found, f"{name} shows {sorted(found)}"
    return found[symptom]


def causes(name, symptom):
    return {cause.name: cause for cause in diagnosed(name, symptom).causes}


@pytest.mark.parametrize(("symptom", "cause", "has_it", "has_another"), CASES)
def test_it_is_confirmed_where_it_is_and_ruled_out_where_it_is_not(
    symptom, cause, has_it, has_another
):
    assert causes(has_it, symptom)[cause].verdict == "confirmed"
    other = causes(has_another, symptom)[cause]
    assert other.verdict == "ruled-out", other.evidence


@pytest.mark.parametrize(("symptom", "cause", "has_it", "has_another"), BEHIND)
def test_a_cause_behind_the_documented_ones_is_told_only_where_it_is(
    symptom, cause, has_it, has_another
):
    assert causes(has_it, symptom)[cause].verdict == "confirmed"
    assert cause not in causes(has_another, symptom)


def test_no_documented_cause_is_left_out():
    documented = {(c.symptom, cause.name) for c in CARDS for cause in c.causes if not cause.extra}
    assert documented == {(symptom, cause) for symptom, cause, *_ in CASES}


@pytest.mark.parametrize(
    ("name", "symptom", "cause"),
    [
        ("constant_output", SAME, "learning-rate-too-high"),
        ("vanishing_init", SAME, "bad-initialisation"),
        ("raw_table", SAME, "unnormalised-input"),
        ("saturated_tanh", SAME, "unnormalised-input"),
        ("sigmoid_stack", SAME, "vanishing-gradients"),
        ("overconfident", SURE, "over-fitting"),
        ("diverged_transformer", NAN, "non-finite-weights"),
        ("log_of_zero", NAN, "invalid-operation"),
    ],
)
def test_what_to_do_first_is_against_the_mistake_that_was_made(name, symptom, cause):
    assert diagnosed(name, symptom).cause == cause


@pytest.mark.parametrize(
    ("broken", "cause", "operation"),
    [("1", "invalid-operation", "confirmed"), ("0", "non-finite-weights", "ruled-out")],
)
def test_an_operation_before_all_broken_weights_made_the_nan_itself(broken, cause, operation):
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4))
    model.forward = lambda x: model[1](torch.log(model[0](x) - 1e3))
    nn.init.constant_(model.get_submodule(broken).weight, torch.nan)
    nan = next(one for one in scan(model, torch.randn(100, 8)).diagnoses if one.symptom == NAN)

    assert nan.cause == cause
    judged = {each.name: each.verdict for each in nan.causes}
    assert judged["non-finite-weights"] == "confirmed"
    assert judged["invalid-operation"] == operation


def test_the_advice_is_what_mends_that_mistake():
    sick = ("constant_output", "saturated_tanh", "vanishing_init", "exploding_init")
    advice = {name: scanned(name).diagnoses[0].advice for name in (*sick, "diverged_transformer")}
    assert "lower learning rate" in advice["constant_output"]
    assert "Standardise" in advice["saturated_tanh"]
    assert "kaiming_normal_" in advice["vanishing_init"]
    assert "kaiming_normal_" in advice["exploding_init"]
    assert "earlier checkpoint" in advice["diverged_transformer"]


def test_the_diagnosis_points_at_the_layer_where_the_signal_dies():
    assert scanned("constant_output").diagnoses[0].where == "3"
    assert scanned("saturated_tanh").diagnoses[0].where == "1"
    assert scanned("log_of_zero").diagnoses[0].where == "log"


def test_without_training_data_it_is_not_known_whether_regularisation_was_missing():
    module = nn.Sequential(build.Answers(), nn.Identity())
    report = scan(module, build.sure_and_right_as_often_as_sure())
    [found] = [each for each in report.diagnoses if each.symptom == SURE]
    told = {cause.name: cause for cause in found.causes}["missing-regularisation"]
    assert told.verdict == "unknown"
    assert "--train-data" in told.evidence
