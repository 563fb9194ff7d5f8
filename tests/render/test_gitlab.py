from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from actdiag.records import Severity
from actdiag.render import gitlab
from tests.render import build


def issues(*reports):
    """The issues, each held to GitLab's schema."""
    found = json.loads(gitlab.render(*reports))
    for issue in found:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert re.fullmatch("[0-9a-f]{32}", issue["fingerprint"])
        assert isinstance(issue["location"]["lines"]["begin"], int)
        assert issue["location"]["path"]
        assert not issue["location"]["path"].startswith("./")
        assert all(isinstance(issue[key], str) for key in ("description", "check_name"))
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found


@pytest.mark.parametrize("name", build.ALL)
def test_every_report_keeps_to_the_schema(name):
    issues(build.ALL[name]())


def test_the_worst_comes_first_at_its_line():
    first = issues(build.sick())[0]

    assert first["check_name"] == "actdiag/ACT101"
    assert first["severity"] == "critical"
    assert first["location"] == {"path": "train.py", "lines": {"begin": 11}}


def test_a_fingerprint_is_that_of_the_place_and_never_of_the_value():
    sick = build.sick()
    other = replace(sick, findings=tuple(replace(f, message="other") for f in sick.findings))
    elsewhere = replace(sick, scan=replace(sick.scan, model=replace(sick.scan.model, path="b.pt")))

    def prints(report):
        return {issue["fingerprint"] for issue in issues(report)}

    assert prints(sick) == prints(other)
    assert not prints(sick) & prints(elsewhere)


def test_without_a_line_of_source_the_model_file_is_named():
    report = replace(build.sick(), findings=(replace(build.sick().findings[0], source=None),))

    assert issues(report)[0]["location"]["path"] == "sample_models/dead_relu.pt"


def test_not_checked_is_a_blocker():
    assert issues(build.broken_off())[0]["severity"] == "blocker"


def test_healthy_is_no_issue():
    assert issues(build.healthy()) == []


def test_too_many_are_counted():
    many = tuple(build.finding("A", "a", Severity.ERROR, f"e{index}") for index in range(10_000))
    found = issues(replace(build.sick(), findings=many))

    assert len(found) == 1000
    assert found[-1]["description"].startswith("+9,001 more findings")
