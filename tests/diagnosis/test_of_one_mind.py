"""Causes, steps and advice of one report do not contradict one another."""

from torch import nn

import actdiag
from actdiag.records import CauseVerdict
from tests.diagnosis import build
from tests.end_to_end.samples import scanned


def test_what_is_told_of_weights_that_training_drove_away_is_of_one_mind():
    [diagnosis] = scanned("constant_output").diagnoses
    steps = {step.id: step for step in diagnosis.steps}
    causes = {cause.name: cause for cause in diagnosis.causes}
    assert diagnosis.advice.startswith("Train again from fresh weights with a lower learning rate")
    assert "training drove the weights" in steps["reduce-learning-rate"].result
    assert steps["reduce-learning-rate"].outcome == "done"
    assert steps["check-initialisation"].result.endswith("train otherwise: training made these.")
    assert "likelier a learning rate too high" in causes["bad-initialisation"].evidence


def test_nothing_keeps_its_scale_where_everything_is_nan():
    [diagnosis] = scanned("diverged_transformer").diagnoses
    [cause] = [one for one in diagnosis.causes if one.name == "exploding-activations"]
    assert cause.verdict is CauseVerdict.UNKNOWN


def test_less_confidence_is_no_help_at_chance():
    found = {one.symptom: one for one in scanned("exploding_init").diagnoses}
    steps = {step.id: step.outcome for step in found["confident-but-wrong"].steps}
    assert (steps["temperature-scaling"], steps["add-dropout"]) == ("no-effect", "done")


def test_one_layer_is_told_as_one():
    model = nn.Sequential(nn.Linear(8, 4))
    report = actdiag.scan(model, build.at_random())
    told = [one for item in report.diagnoses for one in item.causes if "initial" in one.name]
    assert all(one.evidence.startswith("The one layer lies at ") for one in told)
    assert told
