"""What the settings say to leave out is counted, with the reason, wherever a person reads."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from actdiag import render
from actdiag.records import Ignored, Severity
from actdiag.render._gate import Judged, lines
from tests.render import build

IGNORED = (
    Ignored("ACT101", "head.*", "pruned on purpose", findings=2),
    Ignored("OUT", "*", "<b>not\x1b[2J mine</b>", findings=1),
)


PERSONS = ["text", "markdown", "html", "concise", "junit", "github", "gitlab", "sarif"]


@pytest.mark.parametrize("name", PERSONS)
def test_is_told(name):
    told = render.render(name, replace(build.sick(), ignored=IGNORED))
    plain = " ".join(told.replace("\\", "").replace("<!-- -->", "").split())
    assert "2 findings ignored: pruned on purpose (ACT101 in head.*)" in plain
    assert "1 finding ignored: " in plain
    assert "\x1b[2J" not in told
    assert name not in {"html", "markdown", "junit"} or "<b>not" not in told


def test_github_shows_one_notice_for_a_model_beside_at_most_nine_others():
    notes = tuple(build.finding("A", "a", Severity.INFO, f"i{i}") for i in range(30))
    report = replace(build.sick(), findings=notes, diagnoses=(), ignored=IGNORED)
    lines = render.render("github", report).splitlines()

    assert len(lines) == 10
    assert lines[0].startswith("::notice title=actdiag%3A left out of dead_relu.pt::2 findings")
    assert lines[-1].endswith("+22 more of this severity. --report json=PATH holds all of them.")


def test_an_ignored_healthy_model_is_still_told_healthy():
    lines = render.render("github", replace(build.healthy(), ignored=IGNORED[:1])).splitlines()

    assert [line.partition("::")[2].partition("::")[0] for line in lines] == [
        "notice title=actdiag%3A left out of healthy_mlp.pt",
        "notice title=healthy_mlp.pt is healthy",
    ]


def test_gitlab_knows_an_exemption_again_by_what_it_covers():
    def issues(*ignored):
        found = json.loads(render.render("gitlab", replace(build.healthy(), ignored=ignored)))
        return [(issue["check_name"], issue["severity"], issue["fingerprint"]) for issue in found]

    told = issues(*IGNORED)
    assert [issue[:2] for issue in told] == [("actdiag/ignored", "info")] * 2
    assert told == issues(*(replace(one, findings=9, reason="other") for one in IGNORED))


def test_sarif_has_no_result_for_what_code_scanning_would_make_an_alert_of():
    run = json.loads(render.render("sarif", replace(build.healthy(), ignored=IGNORED)))["runs"][0]
    said = run["invocations"][0]["toolConfigurationNotifications"]

    assert run["results"] == []
    assert [one["level"] for one in said[:2]] == ["note", "note"]
    assert said[0]["message"]["text"].startswith("2 findings ignored: pruned on purpose")


def test_a_table_tells_in_which_layers():
    ignored = (replace(IGNORED[0], modules="[13]"), replace(IGNORED[1], modules="3"))
    written = render.render("csv", replace(build.sick(), ignored=ignored))
    rows = {row["name"]: row["ignored"] for row in csv.DictReader(written.splitlines())}

    assert rows["1"] == "ACT101: pruned on purpose"
    assert rows["3"] == "ACT101: pruned on purpose; OUT: <b>not\ufffd[2J mine</b>"
    assert rows["0"] == ""


def test_a_gate_tells_it():
    passed = Judged(replace(build.sick(), findings=(), ignored=IGNORED[:1]), 0)
    assert next(lines([passed])).endswith(
        ": nothing found, 2 findings ignored: pruned on purpose (ACT101 in head.*)"
    )


@pytest.mark.parametrize("name", PERSONS)
def test_a_scan_that_was_interrupted_says_so(name):
    seen = replace(build.sick().scan.coverage, interrupted=True)
    report = replace(build.sick(), scan=replace(build.sick().scan, coverage=seen))
    told = render.render(name, report)

    assert "interrupted" in told
    assert "interrupted" not in render.render(name, build.sick())
    if name in {"text", "html"}:
        assert told.index("interrupted") < told.index("sample_models/dead_relu.pt, Sequential")
