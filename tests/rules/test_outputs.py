"""The rules on outputs and data, one by one, on scans written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actdiag.records import Mistake, Role, Severity, TemperatureFit
from actdiag.rules.training import Age, age
from tests.rules.build import FAILING, classifier, data_in, found, linear, scan, site, units, weight


def answered(**changes):
    return scan(data_in(), linear("0", "input", is_final=True), output=classifier(**changes))


def test_the_same_answer_to_different_inputs_is_an_error():
    [finding] = found("OUT201", answered(between_sample_std=1e-9, scale=2.0, **FAILING))
    assert (finding.severity, finding.site) == (Severity.ERROR, "0")


def test_equal_inputs_may_be_answered_equally():
    same = data_in(std=0.0, between_sample=0.0)
    final = linear("0", "input", is_final=True)
    skip = found("OUT201", scan(same, final, output=classifier(between_sample_std=0.0)))
    assert skip.needs == "varied"


def test_a_regression_around_two_thousand_is_not_constant():
    assert not found("OUT201", answered(kind="values", between_sample_std=5.0, scale=2000.0))


def test_confidence_above_accuracy_is_a_warning_with_the_temperature():
    fit = TemperatureFit(2.5, 250, 250, 1.2, 0.7, 0.21, 0.03)
    of = answered(accuracy=0.7, mean_confidence=0.93, ece=0.23, temperature=fit)
    [finding] = found("OUT202", of)
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "The model is 93.0 % sure on average and right on 70.0 % of 500 labelled answers "
        "(calibration error 0.23). Dividing the logits by 2.5 brings the calibration error on the "
        "held-back half from 0.21 to 0.03."
    )
    assert finding.remedy.startswith("Divide the logits by the fitted temperature")


def test_a_handful_of_answers_shows_no_overconfidence():
    changes = {"accuracy": 0.0, "mean_confidence": 0.95, "ece": 0.95}
    assert not found("OUT202", answered(**changes, predictions=29))
    assert found("OUT202", answered(**changes, predictions=30))


def test_a_temperature_at_its_bound_says_that_the_answers_tell_nothing_of_the_labels():
    fit = TemperatureFit(999999999999018.0, 250, 250, 6.0, 2.3, 0.8, 0.01)
    of = answered(accuracy=0.1, mean_confidence=0.93, ece=0.83, temperature=fit)
    [finding] = found("OUT202", of)
    assert finding.message.endswith(
        "No temperature mends that: the labels are fitted best when all answers are made alike, so "
        "the answers carry no information about these labels."
    )
    assert "labels belong to these samples" in finding.remedy
    [unfitted] = found("OUT202", answered(accuracy=0.7, mean_confidence=0.93, ece=0.23))
    assert "fitted temperature" not in unfitted.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"accuracy": 0.9, "mean_confidence": 0.96, "ece": 0.06},
        {"accuracy": 0.9, "mean_confidence": 0.7, "ece": 0.2},  # label smoothing
        {"accuracy": 0.7, "mean_confidence": 0.85, "ece": 0.16, "predictions": 20},
    ],
)
def test_usual_calibration_too_little_confidence_and_few_labels_are_healthy(changes):
    assert not found("OUT202", answered(**changes))


@pytest.mark.parametrize(("share", "severity"), [(0.25, "error"), (0.06, "warning")])
def test_confident_mistakes_are_listed(share, severity):
    worst = tuple(Mistake(place, 3, 8, 0.999) for place in range(20))
    [finding] = found("OUT203", answered(confident_wrong=share, worst=worst))
    assert finding.severity == severity
    assert finding.measured["worst_samples"] == list(range(10))
    assert "sample 0 is 3, answered 8 with 99.9 %" in finding.message


def test_four_confident_mistakes_may_be_mislabelled():
    assert not found("OUT203", answered(confident_wrong=0.08, predictions=50))


def test_extreme_answers_are_judged_by_labels_where_there_are_some():
    extreme: dict[str, Any] = {
        "extreme": 0.97,
        "mean_confidence": 0.99,
        "logit_min": -31.0,
        "logit_max": 44.0,
    }
    [unknown] = found("OUT204", answered(accuracy=None, **extreme))
    [deserved] = found("OUT204", answered(accuracy=0.98, **extreme))
    [undeserved] = found("OUT204", answered(accuracy=0.6, **extreme))
    assert [one.severity for one in (unknown, deserved, undeserved)] == ["info", "info", "warning"]
    assert "the logits run from -31 to 44" in undeserved.message
    assert "Without labels nobody can tell" in unknown.message
    assert unknown.remedy == "Check with labels whether the confidence is deserved."
    assert deserved.remedy.startswith("Nothing needs to be done: the labels show")


SURE: dict[str, Any] = {"accuracy": 0.11, "majority": 0.1, "mean_confidence": 0.93}


def test_sure_answers_at_chance_speak_for_other_labels():
    [finding] = found("OUT212", answered(**SURE))
    assert finding.severity is Severity.WARNING
    assert "the labels may not belong to these samples" in finding.message
    assert "in the same order" in finding.remedy
    [below] = found("OUT212", answered(**SURE | {"accuracy": 0.01}))
    assert below.severity is Severity.WARNING
    assert "the labels may not belong" in below.message


@pytest.mark.parametrize(
    "changes",
    [
        {"mean_confidence": 0.3},  # has not learned
        {"between_sample_std": 1e-6},  # answers the same
        {"predicted_classes": 1},
    ],
)
def test_at_chance_for_another_reason_the_labels_are_not_blamed(changes):
    [finding] = found("OUT212", answered(**SURE | changes))
    assert finding.severity is Severity.WARNING
    assert "may not belong" not in finding.message
    assert "would reach 10.0 %. That is hardly better." in finding.message
    assert finding.remedy.startswith("See what keeps it from learning")


def test_what_works_if_over_confident_is_above_chance():
    assert not found("OUT212", answered(**SURE | {"accuracy": 0.6}))


def test_a_regression_is_at_chance_where_the_mean_does_as_well():
    values: dict[str, Any] = {"kind": "values", "accuracy": None, "majority": None}
    [finding] = found("OUT212", answered(**values, r2=-0.03))
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "R² -0.03 over 500 answers: always answering the mean of the targets would be as good."
    )
    assert not found("OUT212", answered(**values, r2=0.31))
    assert not found("OUT212", answered(**values, r2=-0.03, predictions=20))


def test_imbalanced_labels_make_chance_only_worth_knowing():
    [finding] = found("OUT212", answered(accuracy=0.9, majority=0.9, mean_confidence=0.5))
    assert finding.severity is Severity.INFO


def test_fresh_weights_are_sure_by_chance():
    of = answered(**SURE)
    drawn = weight("0", (100, 100), std=1.0, min=-4.0, max=4.0)
    [finding] = found("OUT212", scan(*of.sites, output=of.output, weights=(drawn,)))
    assert finding.message.endswith("The weights look as an initialiser left them.")


def test_where_all_labels_are_the_same_one_mistake_is_not_below_chance():
    assert not found("OUT212", answered(accuracy=0.998, majority=1.0, label_classes=1))


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"label_classes": 1, "majority": 1.0, "accuracy": 1.0}, "info"),
        ({"label_classes": 3, "majority": 0.5}, "info"),
        ({"label_classes": 1, "majority": 1.0, "accuracy": 0.1}, "warning"),
        ({"label_classes": 1, "majority": 1.0, "classes": 1000}, "info"),
        ({"label_classes": 4}, None),
        ({"label_classes": 3, "predictions": 29}, None),
        ({"label_classes": 80, "classes": 1000}, None),  # rare classes may be missing
    ],
)
def test_few_of_the_classes_do_not_stand_for_all(changes, severity):
    findings = found("DAT705", answered(**changes))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_a_regression_is_no_classifier():
    skip = found("OUT204", answered(kind="values"))
    assert skip.reason == "needs a classifier: this output is judged to be values"


def test_a_model_that_was_not_trained_yet_may_guess():
    """``actdiag scan net.py:Net`` builds fresh weights and makes up the input."""
    layer = weight("0", (100, 100), min=-0.4, max=0.4)
    assert age(scan(weights=(layer,))) is Age.FRESH  # or the test shows nothing
    of = answered(entropy_fraction=0.995, accuracy=None)
    [begins] = found("OUT206", replace(of, weights=(layer,)))
    assert begins.severity is Severity.INFO
    assert begins.message.endswith("The weights look as an initialiser left them: so it begins.")
    [judged] = found("OUT206", answered(entropy_fraction=0.995, accuracy=0.1))
    assert judged.severity is Severity.WARNING


@pytest.mark.parametrize(("labels", "said"), [(0, "give y in the data"), (500, "of another kind")])
def test_labels_that_were_given_are_not_asked_for(labels, said):
    unlabelled = answered(accuracy=None)
    of = replace(unlabelled, data=replace(unlabelled.data, labels=labels))
    assert said in found("OUT212", of).reason


def features(*means: float, spread: float = 0.2):
    stds = tuple(abs(mean) * spread for mean in means)
    return units(
        len(means),
        mean=tuple(means),
        std=stds,
        min=tuple(mean - 2 * std for mean, std in zip(means, stds, strict=True)),
        max=tuple(mean + 2 * std for mean, std in zip(means, stds, strict=True)),
    )


def test_features_of_very_different_size_are_a_warning():
    table = data_in(per_unit=features(30.0, 32.0, 0.4, 0.5))
    [finding] = found("DAT701", scan(table, linear("0", "input", rms=20.0)))
    assert (finding.severity, finding.units) == (Severity.WARNING, (1, 0))
    [harmless] = found("DAT701", scan(table, linear("0", "input"), output=classifier()))
    assert harmless.severity is Severity.INFO


def test_standardised_token_and_normalised_inputs_are_healthy():
    raw: dict[str, Any] = {"per_unit": features(300.0, 0.4)}
    assert not found("DAT701", scan(data_in(per_unit=features(0.9, -0.3, 3.0))))
    assert not found("DAT701", scan(data_in(dtype="int64", **raw), linear("0", "input")))
    assert not found("DAT701", scan(data_in(**raw), site("bn", Role.NORM, "input")))
    logarithm = site("log", Role.BLOCK, "input", function="log")
    assert not found("DAT701", scan(data_in(**raw), logarithm, linear("0", "log")))


@pytest.mark.parametrize(("rms", "raw"), [(60.0, True), (30.0, True), (6.0, False)])
def test_inputs_that_are_joined_are_raw_where_the_layer_shows_it(rms, raw):
    table = data_in(rms=300.0, per_unit=features(600.0, 0.4), units=2)
    ids = site("embed", Role.BLOCK, per_unit=None)
    first = linear("0", "input", "embed", rms=rms, straight=False)
    by = (weight("0", rms=0.2, fan_in=10),)
    assert bool(found("DAT701", scan(table, ids, first, weights=by))) is raw


def test_pixels_that_share_a_range_are_healthy():
    pixels = units(4, mean=(0.1, 0.2, 11.0, 12.0), std=(0.5, 0.6, 5.0, 5.0), max=16.0)
    assert not found("DAT701", scan(data_in(per_unit=pixels)))


def test_bytes_are_found_unless_the_model_divides_them():
    image = data_in(min=0.0, max=255.0, mean=70.0, rms=100.0, per_unit=features(70.0, 71.0))
    by = (weight("0", rms=0.2),)
    [finding] = found("DAT701", scan(image, linear("0", "input", rms=60.0), weights=by))
    assert "as 8-bit images are stored" in finding.message
    assert not found("DAT701", scan(image, linear("0", "input", rms=0.25), weights=by))
