from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sarif_pydantic import Sarif

from actdiag.records import Severity
from actdiag.render import sarif
from tests.render import build


def log(*reports):
    return Sarif.model_validate(json.loads(sarif.render(*reports)))


@pytest.mark.parametrize("name", build.ALL)
def test_an_independent_reader_reads_every_report(name):
    report = build.ALL[name]()
    run = log(report).runs[0]

    assert run.tool.driver.name == "actdiag"
    assert len(run.results) == len(report.findings)


def test_a_result_points_at_the_line_and_the_layer():
    result = log(build.sick()).runs[0].results[0]
    place = result.locations[0]

    assert (result.rule_id, str(result.level.value)) == ("ACT101", "error")
    assert place.physical_location.artifact_location.uri == "train.py"
    assert place.physical_location.region.start_line == 11
    assert place.logical_locations[0].fully_qualified_name == "1"


def test_rules_are_found_by_their_index():
    document = json.loads(sarif.render(build.sick()))["runs"][0]
    rules = document["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})
    for result in document["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_hostile_names_stay_text():
    results = log(build.hostile()).runs[0].results
    uris = [result.locations[0].physical_location.artifact_location.uri for result in results]

    assert all(uri.isascii() and not set(uri) & set(' <>"\\^`{|}:') for uri in uris)
    names = [result.locations[0].logical_locations[0].fully_qualified_name for result in results]
    assert any(name.endswith(":error file=x::pwned  \ufffd2J") for name in names)


def test_what_was_not_checked_is_no_success():
    said = json.loads(sarif.render(build.broken_off()))["runs"][0]["invocations"][0]

    assert said["executionSuccessful"] is False
    assert "mat1 and mat2" in said["toolExecutionNotifications"][0]["message"]["text"]


def test_skipped_rules_are_notifications():
    said = json.loads(sarif.render(build.healthy()))["runs"][0]["invocations"][0]

    assert said["executionSuccessful"] is True
    assert said["toolConfigurationNotifications"][0]["message"]["text"] == (
        "GRD501, GRD502 skipped: gradients were not asked for (--gradients)"
    )


def test_a_baseline_says_what_is_new():
    report = replace(build.sick(), known=("ACT101:3",))
    results = json.loads(sarif.render(report))["runs"][0]["results"]

    assert sorted(result["baselineState"] for result in results) == ["new"] * 3 + ["unchanged"]


def test_one_run_for_each_model():
    runs = json.loads(sarif.render(build.sick(), build.healthy()))["runs"]

    assert len({run["automationDetails"]["id"] for run in runs}) == 2


def test_no_more_results_than_are_shown():
    many = tuple(build.finding("A", "a", Severity.ERROR, f"e{index}") for index in range(10_000))
    run = json.loads(sarif.render(replace(build.sick(), findings=many)))["runs"][0]

    assert len(run["results"]) == 5000
    said = run["invocations"][0]["toolExecutionNotifications"]
    assert said[0]["message"]["text"] == "+5,000 more results were left out"
