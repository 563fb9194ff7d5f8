"""The rules on gradients and on the optimizer's steps, on scans written by hand."""

import pytest

from actdiag.records import Coverage, Severity, Skip
from actdiag.rules import judge
from tests.rules.backwards import FAILED, sloped, stepping, with_slopes
from tests.rules.build import act, classifier, data_in, found, linear, scan, weight

VANISHED = (sloped("0", 1e-9), sloped("2", 1e-6), sloped("4", 0.1))


@pytest.mark.parametrize(
    ("output", "severity"), [(None, "warning"), (FAILED, "error"), (classifier(), "info")]
)
def test_a_vanished_gradient_is_as_severe_as_the_labels_show(output, severity):
    [finding] = found("GRD501", with_slopes(*VANISHED, output=output))
    assert finding.severity == severity
    assert finding.measured["by_layer"]["2.weight"] == 1e-6


@pytest.mark.parametrize("slopes", [(1e-9, 1e-8, 2e-9), (2e-4, 0.1, 0.1), (0.0, 1e-3, 0.1)])
def test_small_everywhere_or_exactly_zero_has_not_vanished(slopes):
    names = ("0", "2", "4")
    weights = [sloped(name, slope) for name, slope in zip(names, slopes, strict=True)]
    assert not found("GRD501", with_slopes(*weights))


def test_biases_norms_and_embeddings_are_no_layers():
    tiny = sloped("0", 1e-12).gradient
    for kind, shape in (("embedding", (10, 10)), ("norm", (10,)), ("linear", (10,))):
        other = weight("0", shape, kind=kind, gradient=tiny)
        assert not found("GRD501", with_slopes(other, sloped("2", 0.1), sloped("4", 0.1)))


def test_saturation_explains_the_vanished_gradient_and_is_no_less_than_it():
    chain = [data_in(), linear("0", "input")]
    for place in range(1, 9, 2):
        chain.append(act(f"{place}", f"{place - 1}", function="sigmoid", mean_slope=0.05))
        chain.append(linear(f"{place + 1}", f"{place}", is_final=place == 7))
    weights = (sloped("0", 1e-9), sloped("8", 0.1))
    record = with_slopes(*weights)
    whole = scan(*chain, weights=weights, gradients=record.gradients)
    findings = {one.code: one for one in judge(whole, select=["ACT104", "GRD501"])[0]}
    assert findings["GRD501"].follows_from == (findings["ACT104"].fingerprint,)
    assert findings["ACT104"].severity is Severity.WARNING


def test_a_gradient_that_grows_is_worth_knowing_only():
    grown = (sloped("0", 40.0), sloped("2", 0.1))
    [finding] = found("GRD502", with_slopes(*grown))
    assert finding.severity is Severity.INFO
    [finding] = found("GRD502", with_slopes(*grown, output=FAILED))
    assert finding.severity is Severity.WARNING
    assert not found("GRD502", with_slopes(sloped("0", 4.0), sloped("2", 0.1)))


def test_nan_in_the_gradient_is_an_error_that_names_the_parameters():
    [finding] = found("GRD502", with_slopes(sloped("0", 1.0, nonfinite=7), sloped("2", 0.1)))
    assert finding.severity is Severity.ERROR
    assert finding.message.startswith("The gradient is NaN or infinite at 1 parameter of 2:")
    assert finding.measured["nonfinite"] == 7


def test_parameters_without_gradient_are_as_severe_as_what_they_cost():
    cut = (sloped("0", 0.0), sloped("2", 0.1))
    assert found("GRD503", with_slopes(*cut))[0].severity is Severity.WARNING
    assert found("GRD503", with_slopes(*cut, output=FAILED))[0].severity is Severity.ERROR
    assert found("GRD503", with_slopes(*cut, output=classifier()))[0].severity is Severity.INFO


def test_unused_modules_and_what_lies_before_a_weight_of_zeros_are_left_out():
    cut = (sloped("0", 0.0), sloped("2", 0.1))
    unused = Coverage(modules_not_called=("0",))
    assert not found("GRD503", with_slopes(*cut, coverage=unused))
    zeros = weight("2", min=0.0, max=0.0, gradient=sloped("2", 0.1).gradient)
    assert not found("GRD503", with_slopes(sloped("0", 0.0), zeros))
    stuck = weight("2", min=0.0, max=0.0, gradient=sloped("2", 0.0).gradient)
    assert found("GRD503", with_slopes(sloped("0", 0.0), stuck))


@pytest.mark.parametrize("code", ["GRD501", "GRD502", "GRD503"])
def test_without_a_backward_pass_they_say_how_to_get_one(code):
    skip = found(code, scan(data_in(), linear("0", "input"), weights=(weight("0"),)))
    assert isinstance(skip, Skip)
    assert skip.reason == "needs a backward pass: --gradients, with labels or a --loss"


def test_steps_too_large_and_too_small():
    [large] = found("GRD504", scan(weights=(stepping("0", 0.3), stepping("2", 1e-9))))
    assert (large.severity, large.measured["parameters"]) == ("warning", ["0.weight"])
    [small] = found("GRD504", scan(weights=(stepping("0", 1e-7), stepping("2", 1e-8))))
    assert small.remedy.startswith("Multiply the learning rate")
    [still] = found("GRD504", scan(weights=(stepping("0", 0.0), stepping("2", 1e-9))))
    assert still.remedy.startswith("Hardly any gradient reaches them")
    assert small.message.startswith("The optimizer's steps are too small for the weights: 2 of 2")
    working = scan(weights=(stepping("0", 0.3),), output=classifier())
    assert found("GRD504", working)[0].severity is Severity.INFO


def test_a_schedule_that_ended_a_layer_at_rest_and_biases_are_no_mistake():
    ended = stepping("0", 1e-9, lr=1e-9, initial_lr=1e-3)
    assert not found("GRD504", scan(weights=(ended,)))
    assert not found("GRD504", scan(weights=(stepping("0", 1e-9), stepping("2", 1e-3))))
    stopped = stepping("0", 0.0, lr=0.0)
    assert not found("GRD504", scan(weights=(stopped,)))
