"""The family of the calibration: who is in it, what comes of it, how it is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from actdiag.records import Severity
from actdiag.rules import registry
from benchmarks import calibration
from benchmarks.family import data, networks, tally, training
from benchmarks.family.case import CHOOSING, REPORTING, Case
from benchmarks.family.drawing import NETWORKS, family
from benchmarks.family.mistakes import MISTAKES
from tests.contract.test_rules import NAMES

CASES = list(family())
PLAIN = Case(CHOOSING, 0, "mlp", "iris", 1, 16, "relu", rate=1e-2, steps=150)


def test_it_is_large_varied_and_half_of_it_sick():
    assert len(CASES) >= 200
    assert set(NETWORKS) == {case.network for case in CASES} == set(networks.NETWORKS)
    assert {case.data for case in CASES} == {*data.LOADERS, "text"}
    assert {case.mistake for case in CASES} == {"", *(mistake.name for mistake in MISTAKES)}
    assert sum(bool(case.mistake) for case in CASES) == len(CASES) // 2


def test_it_is_the_same_family_every_time():
    assert [case.key for case in family()] == [case.key for case in CASES]


def test_no_model_is_in_both_halves():
    assert len({case.key for case in CASES}) == len(CASES)
    assert len({case.seed for case in CASES}) == len(CASES)
    assert Counter(case.half for case in CASES)[REPORTING] == len(CASES) // 2


def test_thresholds_never_saw_the_mistakes_of_the_reporting_half():
    of = {
        half: {case.mistake for case in CASES if case.half == half} for half in calibration.HALVES
    }
    assert of[REPORTING] - of[CHOOSING] == {"weight decay too strong", "prepared differently"}


def test_the_rules_that_name_a_mistake_are_in_the_vocabulary():
    assert {code for mistake in MISTAKES for code in mistake.names} <= set(NAMES)


def test_training_is_deterministic_and_outcomes_are_measured():
    models = [training.trained(PLAIN) for _ in range(2)]
    first, second = (list(model.parameters()) for model in models)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert training.outcome(models[0], PLAIN)[0] == training.WORKED
    asleep = replace(PLAIN, rate=1e-7)
    assert training.outcome(training.trained(asleep), asleep)[0] == training.FAILED


@pytest.mark.parametrize("name", [*data.LOADERS, "text"])
def test_held_out_data_was_not_trained_on(name):
    split = data.raw(name)
    seen = {row.tobytes() for row in split.train_x}
    shared = sum(row.tobytes() in seen for row in split.held_x)
    assert shared <= 0.02 * len(split.held_x)  # wine and iris hold a few equal rows
    assert 0.1 < data.reference_skill(name) <= 1


def judged(outcome, *severities, case=PLAIN, code="ACT101"):
    rule = registry()[code]
    findings = tuple(
        rule.finding(severity, None, "m", remedy="r", measured={}) for severity in severities
    )
    return tally.Judged(case, outcome, 1.0, findings)


def test_the_summary_counts_models_not_findings():
    models = [
        judged(training.WORKED),
        judged(training.WORKED, Severity.INFO),
        judged(training.WORKED, Severity.WARNING, Severity.WARNING),
        judged(training.FAILED, Severity.ERROR, case=replace(PLAIN, names=("ACT101",))),
        judged(training.FAILED, Severity.ERROR, case=replace(PLAIN, names=("DAT701",))),
        judged(training.BETWEEN, Severity.ERROR),
    ]
    told = {name: got for name, got, _ in tally.summary(models)}
    assert told["failed: error or warning"] == "2 of 2 (100.0%)"
    assert told["failed: one that names the mechanism"] == "1 of 2 (50.0%)"
    assert told["worked: error"] == "0 of 3 (0.0%)"
    assert told["worked: warning or error"] == "1 of 3 (33.3%)"
    row = next(row for row in tally.by_rule(models) if row[0] == "ACT101")
    assert row[2:] == ("2", "0", "0", "0", "1", "1", "67%", "100%")


def test_the_tables_go_between_the_marks_of_the_document(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{calibration.BEGIN}\nold\n{calibration.END}\nafter\n")
    calibration.written(page, ["new", "lines"])
    assert page.read_text() == (
        f"before\n{calibration.BEGIN}\nnew\nlines\n\n{calibration.END}\nafter\n"
    )
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="lacks the lines"):
        calibration.written(page, [])
