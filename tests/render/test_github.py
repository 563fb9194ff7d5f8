from __future__ import annotations

import re
from dataclasses import replace

from actdiag.records import Report, ReportVerdict, Severity
from actdiag.render import github
from tests.render import build

COMMAND = re.compile(r"::(?P<name>\w+)(?: (?P<properties>[^:]*))?::(?P<data>.*)")


def commands(text):
    """What the runner makes of the lines, by its own rules."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.split("=", 1) for pair in (match["properties"] or "").split(",") if pair)
        properties = {key: unescaped(value) for key, value in pairs}
        found.append((match["name"], properties, unescaped(match["data"])))
    return found


def unescaped(text):
    for written, meant in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(written, meant)
    return text


def test_an_annotation_stands_at_its_line():
    name, properties, data = commands(github.render(build.sick()))[0]

    assert name == "error"
    assert properties == {
        "file": "train.py",
        "line": "11",
        "title": "actdiag ACT101 dead-relu in layer 1",
    }
    assert data.startswith("41 of 64 units (64 %) were never above 0 over 1,797 samples.")


def test_hostile_names_stay_within_their_command():
    found = commands(github.render(build.hostile()))

    assert [name for name, _, _ in found] == ["error"] * (1 + len(build.HOSTILE))
    assert set(found[0][1]) == {"title"}  # that the forward failed, at no line of the source
    assert all(set(properties) == {"file", "line", "title"} for _, properties, _ in found[1:])
    assert any(":error file=x::pwned" in properties["file"] for _, properties, _ in found[1:])


def test_no_more_than_are_shown_the_worst_first_and_the_rest_counted():
    many = [build.finding("A", "a", Severity.INFO, f"i{index}") for index in range(30)]
    many += [build.finding("B", "b", Severity.ERROR, f"e{index}") for index in range(10_000)]
    many += [build.finding("C", "c", Severity.WARNING, f"w{index}") for index in range(10)]
    found = commands(github.render(replace(build.sick(), findings=tuple(many), diagnoses=())))

    assert [name for name, _, _ in found] == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    assert found[9][2].startswith("+9,991 more of this severity.")
    assert found[19][1]["title"] == "actdiag C c in layer w9"
    assert found[29][2].startswith("+21 more of this severity.")


def test_not_checked_is_an_error_and_healthy_a_notice():
    assert commands(github.render(build.broken_off()))[0][:2] == (
        "error",
        {"title": "dead_relu.pt was not checked"},
    )
    assert commands(github.render(build.healthy()))[0][:2] == (
        "notice",
        {"title": "healthy_mlp.pt is healthy"},
    )


def test_known_findings_are_left_out():
    sick = build.sick()
    known = tuple(finding.fingerprint for finding in sick.findings)

    assert commands(github.render(replace(sick, known=known)))[0][0] == "notice"


def test_nothing_is_also_told():
    empty = Report(scan=build.scan(()), verdict=ReportVerdict.NOT_CHECKED)

    assert commands(github.render(empty))[0][2] == "nothing was captured"
