"""The family of the calibration: who is in it, what comes of it, how it is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from actdiag.records import Severity
from actdiag.rules import registry
from benchmarks import calibration
from benchmarks.family import data, harm, networks, store, tally, training
from benchmarks.family.case import CHOOSING, REPORTING, Case
from benchmarks.family.drawing import NETWORKS, SIZES, counterparts, family
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
    assert Counter(case.half for case in CASES) == SIZES


def test_thresholds_never_saw_the_mistakes_of_the_reporting_half():
    of = {
        half: {case.mistake for case in CASES if case.half == half} for half in calibration.HALVES
    }
    assert of[REPORTING] - of[CHOOSING] == {
        "stale norm statistics",
        "columns in another order",
        "labels in another order",
    }


def test_the_rules_that_name_a_mistake_are_in_the_vocabulary():
    assert {code for mistake in MISTAKES for code in mistake.names} <= set(NAMES)


def test_training_is_deterministic_and_outcomes_are_measured():
    models = [training.trained(PLAIN) for _ in range(2)]
    first, second = (list(model.parameters()) for model in models)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert training.held_out(models[0], PLAIN).outcome == training.WORKED
    asleep = replace(PLAIN, rate=1e-7)
    assert training.held_out(training.trained(asleep), asleep).outcome == training.FAILED
    mixed = replace(PLAIN, labels_mixed=True)
    assert training.held_out(models[0], mixed).outcome == training.FAILED


def test_mixed_columns_and_labels_are_the_same_values_in_another_order():
    plain = data.shown(PLAIN)
    columns = data.shown(replace(PLAIN, columns_mixed=True))
    labels = data.shown(replace(PLAIN, labels_mixed=True))
    assert not (columns.held_x == plain.held_x).all()
    assert (np.sort(columns.held_x, axis=1) == np.sort(plain.held_x, axis=1)).all()
    assert not (labels.held_y == plain.held_y).all()
    assert (np.sort(labels.scan_y) == np.sort(plain.scan_y)).all()
    assert (labels.held_x == plain.held_x).all()


def test_the_training_data_shown_is_what_was_trained_on():
    few = replace(PLAIN, samples=30, noise=0.6)
    x, y = training.training_data(few)
    clean = torch.from_numpy(data.scaled("iris", few.scaling).train_y)[:30]
    assert len(x) == len(y) == 30
    assert 0 < (y != clean).sum() < 20


def held(skill, nll=None):
    return training.Held(skill, nll)


OTHERS = [held(skill, 0.30) for skill in (0.98, 1.0, 0.99, 1.01, 1.0)]


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        (held(0.85, 0.30), OTHERS, True),  # worse answers
        (held(1.0, 0.90), OTHERS, True),  # as many right, surer of the wrong ones
        (held(0.98, 0.35), OTHERS, False),  # as seeds differ
        (held(0.99, None), [held(1.0)] * 5, False),  # less than worth telling
        (held(0.3, 2.0), OTHERS, False),  # did not work
        (held(0.85), [], False),
    ],
)
def test_what_works_is_impaired_where_something_better_was_to_be_had(own, others, expected):
    assert harm.impaired(own, others) is expected


def test_counterparts_lack_the_mistake_and_keep_the_data():
    for case in CASES[:80]:
        others = counterparts(case)
        assert len({other.seed for other in others} | {case.seed}) == 6
        assert {other.data for other in others} == {case.data}
        assert {other.mistake for other in others} == {""}
        if not case.mistake:
            assert {replace(other, index=case.index) for other in others} == {
                replace(case, steps=case.steps // 2)
            }


def test_what_the_store_depends_on_exists():
    names = (*store.TRAINS, *store.MEASURES, *store.COMPARES)
    assert [name for name in names if not (store.ROOT / name).exists()] == []


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
