"""Every report in the formats of the platforms, held to their schemas and their limits."""

from __future__ import annotations

import gzip
import json
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from jsonschema import Draft4Validator, Draft7Validator

from actdiag.records import Ignored, Severity
from actdiag.render import csv, github, gitlab, junit, markdown, sarif
from tests.render import build
from tests.render.test_github import commands

SCHEMAS = Path(__file__).parent / "schemas"


def schema(name):
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


SARIF = Draft4Validator(schema("sarif-2.1.0-rtm.5.json"))
GITLAB = Draft7Validator(schema("gitlab-code-quality.json"))
EVIL = " ".join(build.HOSTILE[:3])


def ignoring(report):
    ignored = (Ignored(EVIL, EVIL, EVIL, findings=3), Ignored("ACT101", "*", "pruned", 1))
    return replace(report, ignored=ignored)


def many(amount=10_000):
    found = tuple(
        build.finding(
            f"ABC{index % 60:03}",
            "a-rule",
            list(Severity)[index % 3],
            f"{'layer' * 20}.{index}",
            message="%\n:,<&>" * 400,
            remedy="]]>" * 300,
        )
        for index in range(amount)
    )
    return replace(build.sick(), findings=found)


REPORTS = {
    **build.ALL,
    "known": lambda: replace(build.sick(), known=("ACT101:3", "DAT701:None")),
    "ignoring": lambda: ignoring(build.hostile()),
    "nothing": lambda: build.Report(scan=build.scan(())),
}


@pytest.mark.parametrize("name", REPORTS)
def test_sarif_keeps_to_the_schema_of_oasis(name):
    log = json.loads(sarif.render(REPORTS[name](), ignoring(build.sick())))

    assert [error.message for error in SARIF.iter_errors(log)] == []


@pytest.mark.parametrize("name", REPORTS)
def test_gitlab_keeps_to_what_is_documented(name):
    issues = json.loads(gitlab.render(REPORTS[name](), ignoring(build.sick())))

    assert [error.message for error in GITLAB.iter_errors(issues)] == []
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


# What the schemas of JUnit's XML agree on: attributes by element, and what may stand in a case.
ATTRIBUTES = {
    "testsuites": {"name"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"message"},
    "system-out": set(),
}
OUTCOMES = {"failure", "error", "skipped"}


@pytest.mark.parametrize("name", REPORTS)
def test_junit_keeps_to_what_its_schemas_agree_on(name):
    root = ET.fromstring(junit.render(REPORTS[name](), ignoring(build.sick())).encode())

    assert root.tag == "testsuites"
    assert {suite.tag for suite in root} == {"testsuite"}
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
    for case in root.iter("testcase"):
        assert all(case.get("name", "").strip() for case in root.iter("testcase"))
        assert sum(child.tag in OUTCOMES for child in case) <= 1
        assert {child.tag for child in case} <= {*OUTCOMES, "system-out"}


@pytest.mark.parametrize("name", REPORTS)
def test_github_reads_back_what_was_meant(name):
    report = REPORTS[name]()

    for command, properties, told in commands(github.render(report)):
        assert command in {"error", "warning", "notice"}
        assert set(properties) <= {"file", "line", "title"}
        assert len(properties["title"]) <= 255
        assert 0 < len(told.encode()) < 64 * 1024
        assert properties.get("line", "1").isdecimal()


@pytest.mark.parametrize("name", REPORTS)
def test_a_table_is_read_by_pandas(name):
    report = REPORTS[name]()
    frame = pd.read_csv(StringIO(csv.render(report)), keep_default_na=False, dtype=str)

    assert list(frame.columns) == list(csv.COLUMNS)
    assert len(frame) == len(report.scan.sites)
    for site, name_ in zip(report.scan.sites, frame["name"], strict=True):
        assert name_.lstrip("'")[:3] == csv._cell(site.name).lstrip("'")[:3]
        assert not name_.startswith(("=", "+", "-", "@"))


def test_ten_thousand_findings_keep_within_what_code_scanning_takes():
    log = sarif.render(many())
    runs = json.loads(log)["runs"]

    assert len(gzip.compress(log.encode())) < 10 * 1024 * 1024
    assert len(runs[0]["results"]) == 5000
    assert {result["level"] for result in runs[0]["results"]} == {"error", "warning"}
    assert len(runs[0]["tool"]["driver"]["rules"]) <= 25_000
    for rule in runs[0]["tool"]["driver"]["rules"]:
        assert len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]


def test_code_scanning_gets_no_more_models_than_it_takes_the_worst():
    healthy = [replace(build.healthy(), findings=())] * 22
    log = json.loads(sarif.render(*healthy, build.broken_off(), build.sick()))
    amounts = [len(run["results"]) for run in log["runs"]]

    assert amounts == [0, 4] + [0] * 18
    assert [error.message for error in SARIF.iter_errors(log)] == []
    said = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert said[0]["message"]["text"].startswith("dead_relu.pt was not checked")
    assert said[-1]["message"]["text"] == "+4 more models were left out"


def test_several_models_share_what_one_log_may_hold():
    runs = json.loads(sarif.render(many(3000), many(3000)))["runs"]

    assert [len(run["results"]) for run in runs] == [2500, 2500]
    said = runs[1]["invocations"][0]["toolExecutionNotifications"]
    assert said[-1]["message"]["text"] == "+500 more results were left out"


def test_test_reports_of_many_models_stay_below_what_gitlab_takes():
    written = junit.render(*[many(2000)] * 15)
    cases = ET.fromstring(written.encode()).iter("testcase")

    assert len(written.encode()) < 30 * 1024 * 1024
    assert sum("more findings" in case.get("name", "") for case in cases) == 15


def test_a_job_summary_has_room_for_everything_it_is_given():
    assert len(markdown.render(many(), many()).encode()) < 1024 * 1024


def test_rendering_takes_no_more_steps_for_each_finding_as_they_grow_in_number():
    """Counted by the calls that Python makes, which no machine makes faster or slower."""
    for render in (sarif, gitlab, junit, github, markdown):
        few, more = (calls(render, many(amount)) for amount in (300, 1200))
        assert more < 6 * few, render.__name__


def calls(module, report):
    made = 0

    def count(frame, event, argument):
        nonlocal made
        made += event == "call"

    sys.setprofile(count)
    try:
        module.render(report)
    finally:
        sys.setprofile(None)
    return made
