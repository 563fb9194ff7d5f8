"""The rules that compare with the training data, on scans written by hand."""

import pytest

from actdiag.records import DataInfo, OutputStats, Severity, Skip
from tests.rules.build import classifier, found, scan
from tests.rules.trained import known


def judged(train, **output):
    return found("OUT211", scan(output=classifier(**output), training_data=train))


def test_a_gap_is_a_warning_and_a_worse_likelihood_alone_worth_knowing():
    [gap] = judged(known(accuracy=0.99), accuracy=0.8, nll=0.15)
    [ratio] = judged(known(accuracy=1.0, nll=1e-4), accuracy=0.97, nll=0.2)
    assert (gap.severity, ratio.severity) == (Severity.WARNING, Severity.INFO)
    assert gap.measured["gap"] == pytest.approx(0.19)


@pytest.mark.parametrize(
    ("train", "output"),
    [
        (known(accuracy=0.97), {"accuracy": 0.95, "nll": 0.15}),
        (known(accuracy=1.0, nll=1e-4), {"accuracy": 0.99, "nll": 0.05}),
        (known(accuracy=0.9, nll=0.05), {"accuracy": 0.95, "nll": 0.3}),
        (known(accuracy=1.0, samples=9), {"accuracy": 0.8, "nll": 0.1, "predictions": 10}),
    ],
    ids=["close", "tiny-losses", "better-here", "few-samples"],
)
def test_what_is_no_over_fitting(train, output):
    assert judged(train, **output) == []


def test_what_is_missing_is_asked_for():
    labelled = scan(output=classifier())
    assert found("OUT211", labelled).reason == "needs the training data: --train-data FILE"
    unlabelled = scan(output=classifier(), training_data=known(accuracy=None))
    assert (
        found("OUT211", unlabelled).reason
        == "needs labels of the training data that the answers can be judged by"
    )
    bare = found("OUT211", scan(output=OutputStats("logits", predictions=9), training_data=known()))
    assert isinstance(bare, Skip)


def regressed(here, there, **output):
    answers = classifier(kind="values", accuracy=None, nll=None, r2=here, **output)
    train = known(accuracy=None, nll=None, r2=there, samples=40)
    return found("OUT211", scan(output=answers, training_data=train))


def test_a_regression_that_leaves_much_more_unexplained_here():
    [finding] = regressed(-0.8, 0.96)
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "R² is 0.96 over 40 training samples, and -0.80 over 500 answers here."
    )
    assert finding.measured["error_ratio"] == pytest.approx(45)
    [works] = regressed(0.8, 0.97)
    assert works.severity is Severity.INFO


@pytest.mark.parametrize(
    ("here", "there", "output"),
    [(0.45, 0.6, {}), (0.99, 0.999, {}), (-0.8, 0.96, {"predictions": 20}), (0.5, 0.1, {})],
    ids=["close", "both-excellent", "few-answers", "better-here"],
)
def test_a_regression_that_is_not_over_fitted(here, there, output):
    assert regressed(here, there, **output) == []


def leaked(**changes):
    return found("DAT704", scan(training_data=known(**changes)))


def test_leakage_is_as_severe_as_its_share():
    assert leaked(shared=5)[0].severity is Severity.WARNING
    assert leaked(shared=4)[0].severity is Severity.INFO
    assert leaked(shared=0) == []
    assert leaked(shared=500)[0].message == "All of 500 samples are training samples."
    assert leaked(shared=1)[0].message == "1 of 500 samples (0.2 %) is a training sample."


def test_a_table_that_repeats_itself_shares_rows_by_chance():
    [finding] = leaked(shared=100, repeated=150)
    assert finding.severity is Severity.INFO
    assert finding.message.endswith("; the data repeats 150 of its own samples as well.")


def test_near_duplicates_count_where_there_are_more_than_such_data_has():
    near = {"near": 20, "near_judged": 500, "near_known": 400, "near_conflicts": 2}
    [finding] = leaked(shared=0, **near)
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        "20 of 500 samples (4.0 %) nearly equal a training one, 2 of them under another label."
    )
    [both] = leaked(shared=10, **near)
    assert "10 of 500 samples (2.0 %) are training samples, 20 more nearly so" in both.message
    assert leaked(shared=0, **near, near_natural=0.02) == []
    assert leaked(shared=0, **near, near_natural=0.019)[0].measured["share"] == 20 / 500


def test_what_the_accuracy_is_without_them_is_told():
    told = leaked(shared=100, unseen=400, unseen_accuracy=0.5)
    assert told[0].message.endswith(" are training samples.")
    output = classifier(accuracy=0.6)
    train = known(shared=100, unseen=400, unseen_accuracy=0.5)
    [finding] = found("DAT704", scan(output=output, training_data=train))
    assert finding.message.endswith(" Accuracy: 60.0 % on all, 50.0 % on the 400 others.")


def test_made_up_input_cannot_leak():
    made = scan(training_data=known(), data=DataInfo("synthetic", synthetic=True, samples=256))
    assert found("DAT704", made).reason == "needs real data: the input was made up"
