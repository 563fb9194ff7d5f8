from __future__ import annotations

from dataclasses import replace

import pytest

from actdiag.diagnosis import gate
from actdiag.records import Failure, Gradients, ModuleInfo, Severity, Skip
from tests.render import build

ERROR, WARNING, INFO = Severity


def test_without_a_baseline_everything_is_new():
    report = gate.against(build.sick(), ())

    assert report.known == ()
    assert [finding.code for finding in gate.failing(report, ERROR)] == [
        "ACT101",
        "ACT101",
        "ACT106",
    ]
    assert len(gate.failing(report, INFO)) == 4


def test_what_the_baseline_has_is_known():
    report = gate.against(build.sick(), build.sick().findings)

    assert set(report.known) == {finding.fingerprint for finding in build.sick().findings}
    assert gate.failing(report, INFO) == ()


@pytest.mark.parametrize(("before", "known"), [(ERROR, True), (WARNING, True), (INFO, False)])
def test_what_became_worse_is_not_known(before, known):
    now = build.finding("A", "a", WARNING, "1")
    report = gate.against(replace(build.sick(), findings=(now,)), [replace(now, severity=before)])

    assert bool(report.known) is known


def test_a_baseline_of_one_model_serves_all_and_one_of_several_by_path():
    sick, healthy = build.sick(), build.healthy()

    assert gate.baseline_of(sick, [healthy]) is healthy
    assert gate.baseline_of(sick, [healthy], ["sample_models/healthy_mlp.pt"]) is None
    assert gate.baseline_of(sick, [healthy, sick]) is sick
    assert gate.baseline_of(sick, [healthy, healthy]) is None


@pytest.mark.parametrize(
    ("report", "fail_on", "code"),
    [
        (build.healthy(), INFO, 0),
        (build.sick(), ERROR, 1),
        (build.long(), WARNING, 0),
        (build.long(), INFO, 1),
        (build.broken_off(), ERROR, 3),
    ],
)
def test_exit_codes(report, fail_on, code):
    assert gate.exit_code(report, fail_on=fail_on, strict_skips=False) == code
    assert gate.exit_code(report, fail_on=fail_on, strict_skips=False, broken=4) == 4


@pytest.mark.parametrize("stopped", ["failed", "interrupted", "not run"])
def test_what_was_not_run_to_its_end_never_passes(stopped):
    whole = build.long()
    coverage = {
        "failed": replace(whole.scan.coverage, failure=Failure(None, None, "ValueError", "no")),
        "interrupted": replace(whole.scan.coverage, interrupted=True),
        "not run": whole.scan.coverage,
    }[stopped]
    samples = 0 if stopped == "not run" else whole.scan.data.samples
    scan = replace(whole.scan, coverage=coverage, data=replace(whole.scan.data, samples=samples))
    part = replace(whole, scan=scan)

    assert gate.exit_code(whole, fail_on=WARNING, strict_skips=False) == 0
    assert gate.exit_code(part, fail_on=WARNING, strict_skips=False) == 3
    assert gate.exit_code(part, fail_on=INFO, strict_skips=False) == 1


@pytest.mark.parametrize(
    ("needs", "code"),
    [
        ("labels", 1),
        ("observations", 1),
        ("classifier", 0),
        ("gated-product", 0),
        ("optimizer", 0),
        ("tokens", 0),
        ("training-data", 0),
        ("training-labels", 1),
    ],
)
def test_skips_fail_only_for_want_of_data_or_labels(needs, code):
    lacking = replace(build.healthy(), skipped=(Skip("OUT202", needs, "needs it"),))

    assert gate.exit_code(lacking, fail_on=ERROR, strict_skips=False) == 0
    assert gate.exit_code(lacking, fail_on=ERROR, strict_skips=True) == code


def test_gradients_count_where_they_were_asked_for_and_modes_where_they_differ():
    whole = build.healthy()
    norm = ModuleInfo("norm", "BatchNorm1d", leaf=True, calls=1, parameters=8)
    compared = replace(whole.scan, modules=(*whole.scan.modules, norm))
    asked = replace(whole.scan, gradients=Gradients("mse", False, 0, 0, note="there is no loss"))

    for needs, scan in (("both-modes", compared), ("gradients", asked)):
        lacking = replace(whole, skipped=(Skip("ACT117", needs, "needs it"),))
        codes = [
            gate.exit_code(replace(lacking, scan=one), fail_on=ERROR, strict_skips=True)
            for one in (replace(whole.scan, gradients=None), scan)
        ]
        assert codes == [0, 1]


@pytest.mark.parametrize(
    ("codes", "worst"),
    [([0, 0], 0), ([0, 1], 1), ([1, 3, 0], 3), ([3, 2, 1], 2), ([2, 4, 0], 4)],
)
def test_one_code_for_several_models(codes, worst):
    assert gate.worst_code(codes) == worst
