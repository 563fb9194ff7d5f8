"""Each documented cause on a model that has it and on one with the same symptom from another."""

import pytest

from tests.end_to_end.samples import scanned

ALL_SAME, NOT_LEARNING = "outputs-all-same", "not-learning"
CONFIDENT, NAN = "confident-but-wrong", "loss-nan"

CASES = [
    (ALL_SAME, "dead-relus", "constant_output", "saturated_tanh"),
    (ALL_SAME, "bad-initialisation", "vanishing_init", "sigmoid_stack"),
    (ALL_SAME, "saturated-activations", "saturated_tanh", "constant_output"),
    (NAN, "non-finite-weights", "diverged_transformer", "log_of_zero"),
    (NAN, "invalid-operation", "log_of_zero", "diverged_transformer"),
    (NOT_LEARNING, "bad-initialisation", "exploding_init", None),
    (CONFIDENT, "over-fitting", "overconfident", None),
    (CONFIDENT, "missing-regularisation", "overconfident", None),
    (CONFIDENT, "logits-too-large", "overconfident", None),
]


def verdict(model, symptom, cause):
    diagnosis = next(d for d in scanned(model).diagnoses if d.symptom == symptom)
    return next((c.verdict.value for c in diagnosis.causes if c.name == cause), "not told")


@pytest.mark.parametrize(("symptom", "cause", "has_it", "has_another"), CASES)
def test_a_cause_is_confirmed_where_it_is_and_ruled_out_where_it_is_not(
    symptom, cause, has_it, has_another
):
    assert verdict(has_it, symptom, cause) == "confirmed"
    if has_another is not None:
        assert verdict(has_another, symptom, cause) == "ruled-out"


def test_what_to_do_first_answers_the_root():
    advice = {
        name: scanned(name).diagnoses[0].advice
        for name in ("saturated_tanh", "vanishing_init", "exploding_init", "diverged_transformer")
    }
    assert "Standardise" in advice["saturated_tanh"]
    assert "kaiming_normal_" in advice["vanishing_init"]
    assert "kaiming_normal_" in advice["exploding_init"]
    assert "earlier checkpoint" in advice["diverged_transformer"]


def test_the_diagnosis_points_at_the_layer_where_the_signal_dies():
    assert scanned("constant_output").diagnoses[0].where == "3"
    assert scanned("saturated_tanh").diagnoses[0].where == "1"
    assert scanned("log_of_zero").diagnoses[0].where == "log"
