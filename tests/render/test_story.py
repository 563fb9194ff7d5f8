from __future__ import annotations

from dataclasses import replace

import pytest

from actdiag.records import Failure, Severity
from actdiag.render import github, gitlab, junit, sarif
from actdiag.render._story import by_diagnosis, chains, headline, not_run, skips_by_reason
from tests.render import build


def found(where, *causes, severity=Severity.WARNING):
    return build.finding("ACT101", "dead-relu", severity, where, follows_from=causes)


def sites(told):
    return [(chain.root.site, [finding.site for finding in chain.followers]) for chain in told]


def test_what_follows_is_folded_under_its_first_cause():
    a, b, c = found("a"), found("b", "ACT101:a"), found("c", "ACT101:b")

    assert sites(chains([c, b, a])) == [("a", ["c", "b"])]


def test_a_cause_that_is_not_in_the_report_folds_nothing():
    assert sites(chains([found("a", "ACT101:gone")])) == [("a", [])]


def test_a_circle_of_causes_loses_nobody():
    a, b, c = found("a", "ACT101:b"), found("b", "ACT101:a"), found("c", "ACT101:a")

    assert sites(chains([a, b, c])) == [("a", []), ("b", []), ("c", [])]


def test_worst_first_then_as_reported():
    ordered = [found("a"), found("b", severity=Severity.ERROR), found("c")]

    assert [site for site, _ in sites(chains(ordered))] == ["b", "a", "c"]


def test_a_mild_cause_of_great_harm_comes_first():
    mild = [found("a"), found("b", severity=Severity.INFO)]
    harm = found("c", "ACT101:b", severity=Severity.ERROR)

    assert sites(chains([*mild, harm])) == [("b", ["c"]), ("a", [])]


def test_a_diagnosis_takes_its_findings_and_the_next_one_does_not_repeat_them():
    report = build.sick()
    again = replace(report.diagnoses[0], title="another")
    told, left = by_diagnosis(replace(report, diagnoses=(report.diagnoses[0], again)))

    assert [sites(behind) for _, behind in told] == [[("1", []), ("3", ["5"])], []]
    assert sites(left) == [(None, [])]


def test_the_headline_says_the_first_thing_alone():
    long = "5 of 8 units never fire (0.5 %): layer '1' is dead. If they fire at all, seldom. So."
    report = replace(build.sick(), findings=(replace(found("a"), message=long),), diagnoses=())

    assert headline(report)[1] == "5 of 8 units never fire (0.5 %): layer '1' is dead."


def stopped(report, *, samples=0, failure=None, note=""):
    coverage = replace(report.scan.coverage, failure=failure, note=note)
    data = replace(report.scan.data, samples=samples)
    return replace(report, scan=replace(report.scan, coverage=coverage, data=data))


def test_what_was_found_until_the_forward_failed_is_no_whole_report():
    failure = Failure("head", "net.py:12", "RuntimeError", "shapes differ")
    report = stopped(build.sick(), failure=failure)

    assert headline(report)[0].endswith("in dead_relu.pt, whose forward pass failed")
    assert not_run(report) == ("dead_relu.pt was not run to its end", "RuntimeError: shapes differ")


def test_what_was_found_in_weights_alone_is_no_whole_report():
    report = stopped(build.sick(), note="Only the weights were read.")

    assert headline(report)[0].endswith("in dead_relu.pt, which was not run")
    assert not_run(report) == ("dead_relu.pt was not run", "Only the weights were read.")
    assert not_run(build.sick()) is None


@pytest.mark.parametrize("form", [github, gitlab, junit, sarif])
def test_every_gate_tells_that_the_forward_failed(form):
    failure = Failure("head", "net.py:12", "RuntimeError", "shapes differ")

    assert "RuntimeError: shapes differ" in form.render(stopped(build.sick(), failure=failure))
    assert "RuntimeError" not in form.render(build.sick())


def test_skipped_rules_are_grouped_by_what_was_missing():
    assert skips_by_reason(build.SKIPPED) == {
        "gradients were not asked for (--gradients)": ["GRD501", "GRD502"],
        "no training data were given (--train-data)": ["OUT211"],
        "the model has no attention": ["ATT301"],
    }
