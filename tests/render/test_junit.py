from __future__ import annotations

from dataclasses import replace

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from actdiag.records import Severity
from actdiag.render import junit
from tests.render import build


def suites(*reports):
    return list(JUnitXml.fromstring(junit.render(*reports).encode()))


def kinds(suite):
    return [type(entry).__name__ for case in suite for entry in case.result]


@pytest.mark.parametrize("name", build.ALL)
def test_an_independent_reader_reads_every_report_and_counts_the_same(name):
    (suite,) = suites(build.ALL[name]())
    found = kinds(suite)

    assert suite.tests == len(list(suite))
    assert (suite.failures, suite.errors) == (found.count("Failure"), found.count("Error"))
    assert suite.skipped == found.count("Skipped")


def test_errors_and_warnings_fail_and_skipped_rules_are_skipped():
    (suite,) = suites(build.sick())
    failed = [case for case in suite if any(isinstance(r, Failure) for r in case.result)]

    assert [case.result[0].type for case in failed] == ["error"] * 3 + ["warning"]
    assert failed[0].name == "ACT101 dead-relu: 1"
    assert failed[0].classname == "dead_relu.pt"
    assert failed[0].result[0].text.endswith("\ntrain.py:11")
    skipped = [case.name for case in suite if any(isinstance(r, Skipped) for r in case.result)]
    assert skipped == ["GRD501", "GRD502", "OUT211", "ATT301"]


def test_healthy_passes_and_not_checked_is_an_error():
    assert "Failure" not in kinds(suites(build.healthy())[0])
    first = next(iter(suites(build.broken_off())[0]))
    assert isinstance(first.result[0], Error)


def test_notes_pass():
    (suite,) = suites(build.long())

    assert suite.failures == 0
    assert "ACT102" in list(suite)[1].name


def test_hostile_names_come_back_as_text():
    (suite,) = suites(build.hostile())

    assert "ACT101 dead-relu: <script>alert(1)</script>\ufffdgnp.exe\ufffd" in [
        case.name for case in suite
    ]


def test_one_suite_for_each_model_and_the_known_left_out():
    known = replace(build.sick(), known=("ACT101:3",))

    assert [suite.failures for suite in suites(known, build.healthy())] == [3, 0]


def test_too_many_are_counted():
    many = tuple(build.finding("A", "a", Severity.ERROR, f"e{index}") for index in range(10_000))
    (suite,) = suites(replace(build.sick(), findings=many, skipped=()))

    assert list(suite)[-1].result[0].message == "+9,000 more"
