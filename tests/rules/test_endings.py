"""The rules on how a model ends and what it is built of, on scans written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from actdiag.records import Gradients, ModuleInfo, Role, Severity
from tests.rules.build import FAILING, act, classifier, data_in, found, linear, scan, site, weight

SURE_AND_WRONG: dict[str, Any] = {"accuracy": 0.7, "mean_confidence": 0.93, "ece": 0.23}
VALUES: dict[str, Any] = {"kind": "values", "accuracy": None, "scale": 1.0}


def softmax(name, *inputs, **changes):
    changes = {"function": "softmax", "verbatim": True} | changes
    return act(name, *inputs, **changes)


@pytest.mark.parametrize("outer", ["softmax", "log_softmax", "softmax2d"])
def test_a_softmax_of_shares_counts_whatever_its_form(outer):
    layers = (linear("0"), softmax("1", "0"), softmax("2", "1", function=outer))
    [finding] = found("OUT207", scan(*layers))
    assert (finding.site, finding.measured["first"]) == ("2", "1")
    assert finding.measured["largest_possible"] == pytest.approx(0.232, abs=1e-3)


def test_softmaxes_of_logarithms_and_of_mixed_values_are_fine():
    logs = (linear("0"), softmax("1", "0", function="log_softmax"), softmax("2", "1"))
    assert not found("OUT207", scan(*logs))
    weights = (linear("0"), softmax("1", "0"), linear("2", "1"), softmax("3", "2"))
    assert not found("OUT207", scan(*weights))


@pytest.mark.parametrize(
    ("loss", "assumed", "function", "amount"),
    [
        ("cross-entropy", False, "softmax", 1),
        ("cross-entropy", True, "softmax", 0),
        ("nll-of-probabilities", False, "softmax", 0),
        ("cross-entropy", False, "log_softmax", 0),
    ],
)
def test_the_softmax_of_a_loss_that_was_named_counts_too(loss, assumed, function, amount):
    layers = (linear("0"), softmax("1", "0", function=function, is_final=True))
    backward = Gradients(loss, assumed=assumed, samples=500, batches=8)
    findings = found("OUT207", scan(*layers, gradients=backward))
    assert len(findings) == amount
    for finding in findings:
        assert finding.message.endswith(
            "cross-entropy takes the softmax of them: no class of 10 can get more than 23.2 %."
        )


def test_the_bound_of_shares_that_are_scaled_is_not_known():
    scaled = (linear("0"), softmax("1", "0"), softmax("2", "1", verbatim=False))
    [finding] = found("OUT207", scan(*scaled))
    assert finding.message.endswith("which sums to 1 already.")


def shares(mean, *, shape=(64, 10), **changes):
    return scan(linear("0"), softmax("1", "0", mean=mean, shape=shape, **changes))


def test_the_mean_of_a_softmax_tells_its_axis():
    [finding] = found("OUT208", shares(8 / 500, is_final=True))  # 8 batches, 500 samples
    assert (finding.severity, finding.measured["axis"]) == (Severity.ERROR, 0)
    assert not found("OUT208", shares(0.1, is_final=True))
    assert not found("OUT208", shares(8 / 500, shape=(64, 10, 62.5)))  # as long as a batch
    assert not found("OUT208", shares(8 / 500, role=Role.ATTENTION))


def test_a_module_says_its_axis_where_a_logarithm_hides_it():
    module = ModuleInfo("1", "LogSoftmax", leaf=True, calls=1, parameters=0, settings={"dim": 0})
    sites = (linear("0"), softmax("1", "0", function="log_softmax", is_final=True))
    assert found("OUT208", scan(*sites, modules=(module,)))


def test_an_output_over_steps_instead_of_classes():
    steps = shares(1 / 24, shape=(64, 24, 10), is_final=True, unit_axis=2)
    told = scan(*steps.sites, output=classifier(kind="probabilities", **FAILING))
    [finding] = found("OUT208", told)
    assert "axis 1 of (64, 24, 10), which does not hold the classes" in finding.message
    assert not found("OUT208", steps)  # which axis holds the classes is not known
    hidden = (linear("0"), softmax("1", "0", mean=1 / 24, shape=(64, 24, 10)), linear("2", "1"))
    assert not found("OUT208", scan(*hidden, output=told.output))


def test_a_softmax_of_one_is_an_error_at_the_output_only():
    one: dict[str, Any] = {"min": 1.0, "max": 1.0, "units": 1}
    assert found("OUT209", scan(linear("0"), softmax("1", "0", **one, is_final=True)))
    assert not found("OUT209", scan(linear("0"), softmax("1", "0", **one), linear("2", "1")))
    logs = softmax("1", "0", function="log_softmax", min=0.0, max=0.0, is_final=True)
    [finding] = found("OUT209", scan(linear("0"), logs))
    assert "values are 0, whatever the input" in finding.message


def ending(function, *, low, high, r2=0.1, **changes):
    output = classifier(**VALUES, label_min=low, label_max=high, r2=r2)
    return scan(act("out", function=function, is_final=True, **changes), output=output)


@pytest.mark.parametrize(("r2", "severity"), [(-1.0, "error"), (0.1, "warning"), (0.6, "info")])
def test_targets_beyond_the_output_are_as_severe_as_the_fit_is_bad(r2, severity):
    [finding] = found("OUT210", ending("relu", low=-3.0, high=5.0, r2=r2))
    assert finding.severity == severity


@pytest.mark.parametrize(
    ("function", "low", "high", "changes"),
    [
        ("relu", 0.0, 2000.0, {}),
        ("sigmoid", 0.0, 1.0, {}),
        ("tanh", -1.005, 1.0, {}),  # noise
        ("tanh", -50.0, 50.0, {"rms": 0.02}),  # the answer is a multiple
        ("gelu", 0.0, 9.0, {}),
    ],
)
def test_targets_within_reach_are_fine(function, low, high, changes):
    assert not found("OUT210", ending(function, low=low, high=high, **changes))


@pytest.mark.parametrize(
    ("function", "accuracy", "severity"),
    [
        *(("relu", 0.5, "error"), ("relu", 0.7, "warning"), ("relu", 0.95, "info")),
        *(("tanh", 0.5, None), ("sigmoid", 0.5, None), ("gelu", 0.5, None)),
    ],
)
def test_scores_that_cannot_be_negative_are_out_of_reach_of_a_sign(function, accuracy, severity):
    signs = {"kind": "margin", "classes": 2, "label_min": -1.0, "label_max": 1.0}
    output = classifier(**signs, accuracy=accuracy, majority=0.5)
    sick = scan(act("out", function=function, is_final=True), output=output)
    assert [one.severity for one in found("OUT210", sick)] == ([severity] if severity else [])
    assert not found("ARC604", sick)


def test_bounded_outputs_of_regressions_are_worth_knowing_unless_targets_are_beyond():
    [finding] = found("ARC604", ending("relu", low=1.0, high=5.0))
    assert finding.severity is Severity.INFO
    assert "which is flat in places" in finding.message
    assert not found("ARC604", ending("relu", low=-1.0, high=5.0))
    assert not found("ARC604", ending("softplus", low=1.0, high=5.0))
    assert found("ARC604", ending("sigmoid", low=0.2, high=0.4))
    assert not found("ARC604", ending("sigmoid", low=0.0, high=1.0)), "an autoencoder's pixels"


@pytest.mark.parametrize(
    ("function", "fires"), [("tanh", True), ("relu", True), ("sigmoid", False)]
)
def test_yes_or_no_wants_a_sigmoid(function, fires):
    answer = classifier(kind="binary-logit", classes=2, accuracy=0.6, majority=0.5)
    final = act("out", function=function, is_final=True)
    assert bool(found("ARC604", scan(final, output=answer))) is fires


def test_logits_are_judged_where_labels_show_that_they_are_logits():
    final = act("out", function="tanh", is_final=True)
    [finding] = found("ARC605", scan(final, output=classifier(**FAILING)))
    assert finding.severity is Severity.WARNING
    [works] = found("ARC605", scan(final, output=classifier()))
    assert works.severity is Severity.INFO
    assert not found("ARC605", scan(final, output=classifier(assumed=True)))
    assert not found("ARC605", scan(final, output=classifier(scale=30.0)))  # capped softly
    assert not found("ARC605", scan(final, output=classifier(kind="unknown")))


def test_capped_scores_and_hidden_softmaxes_are_no_squashed_logits():
    scaled = softmax("2", "1", verbatim=False, is_final=True)
    assert not found("ARC605", scan(linear("0"), act("1", "0"), scaled))
    hidden = (linear("0"), act("1", "0"), softmax("2", "1"), linear("3", "2"))
    assert not found("ARC605", scan(*hidden))


def tanhs(number, **changes):
    names = [f"a{place}" for place in range(number)]
    sites = [act(name, f"in{name}", function="tanh", **changes) for name in names]
    return scan(*sites, *(linear(f"l{name}", name) for name in names))


def test_two_tanhs_gates_and_outputs_are_no_deep_tanh_network():
    assert found("ARC602", tanhs(3))
    assert not found("ARC602", tanhs(2))
    assert not found("ARC602", tanhs(3, role=Role.GATE))
    assert not found("ARC602", scan(*(site for site in tanhs(3).sites if site.function == "tanh")))


def test_a_tanh_called_at_every_step_of_a_sequence_is_one_layer():
    steps = [("", "")] + [(f"#{step}", f"#{step}") for step in range(2, 6)]
    within = {"function": "tanh", "module": "attention"}
    sites = [act(f"attention/tanh{end}", f"attention.W{step}", **within) for end, step in steps]
    keys = [linear(f"attention.v{end}", f"attention/tanh{end}") for end, _ in steps]
    assert not found("ARC602", scan(*sites, *keys))


def test_a_failing_deep_tanh_network_is_warned_of():
    of = tanhs(3)
    [finding] = found("ARC602", scan(*of.sites, output=classifier(**FAILING)))
    assert finding.severity is Severity.WARNING


def feed_forward(function="relu", narrow=10, before="attention"):
    return scan(
        data_in(),
        site("attention", Role.ATTENTION, "input"),
        linear("up", before, units=40),
        act("act", "up", function=function, units=40),
        linear("down", "act", units=narrow),
    )


def test_a_relu_between_widening_and_narrowing_behind_attention():
    assert found("ARC603", feed_forward())
    assert not found("ARC603", feed_forward("gelu"))
    assert not found("ARC603", feed_forward(narrow=3))  # a head, not back to the stream
    assert not found("ARC603", feed_forward(before="input"))


@pytest.mark.parametrize(
    "module",
    [
        ModuleInfo("d", "Dropout", leaf=True, calls=1, parameters=0, settings={"p": 0.1}),
        ModuleInfo("n", "BatchNorm1d", leaf=True, calls=1, parameters=8),
    ],
)
def test_what_regularises_is_told_apart(module):
    plain = ModuleInfo("0", "Linear", leaf=True, calls=1, parameters=100)
    wrong = classifier(**SURE_AND_WRONG)
    [finding] = found("ARC606", scan(data_in(), modules=(plain,), output=wrong))
    assert finding.severity is Severity.INFO
    assert not found("ARC606", scan(data_in(), modules=(plain, module), output=wrong))
    assert not found("ARC606", scan(data_in(), modules=(plain,), output=classifier()))


def test_a_model_that_was_never_trained_does_not_lack_regularisation():
    plain = ModuleInfo("0", "Linear", leaf=True, calls=1, parameters=100)
    drawn = weight("0", (100, 100), std=1.0, min=-4.0, max=4.0)
    wrong = classifier(**SURE_AND_WRONG | {"accuracy": 0.1})
    assert found("ARC606", scan(data_in(), modules=(plain,), output=wrong))
    assert not found("ARC606", scan(data_in(), modules=(plain,), weights=(drawn,), output=wrong))


def labelled(**changes):
    return scan(output=classifier(**changes))


def test_labels_that_mark_no_class_are_worth_knowing():
    [marked] = found("DAT707", labelled(labels_foreign=40, label_min=-1.0, label_max=9.0))
    assert marked.severity is Severity.INFO
    assert "−1 is taken for an answer without a label" in marked.message
    [foreign] = found("DAT707", labelled(labels_foreign=40, label_min=-3.0, label_max=9.0))
    assert foreign.severity is Severity.WARNING


def test_two_outputs_and_labels_of_either_sign_are_told_how_to_number_them():
    signs = {"labels_foreign": 40, "label_min": -1.0, "label_max": 1.0, "classes": 2}
    [told] = found("DAT707", labelled(**signs, label_classes=1))
    assert told.message.endswith("where −1 and 1 are the two classes, give them as 0 and 1.")
    [told] = found("DAT707", labelled(**signs, label_classes=2))
    assert told.message.endswith("−1 is taken for an answer without a label.")


def test_labels_that_fit_nowhere_are_told_with_the_output():
    odd = {"labels_misfit": 500, "label_min": 0.5, "label_max": 9.5, "shape": (64, 10)}
    [finding] = found("DAT707", labelled(**odd))
    assert finding.message == (
        "The labels of 500 answers cannot be compared with them: the output is logits of shape "
        "(64, 10), the labels run from 0.5 to 9.5."
    )
    assert not found("DAT707", labelled())
