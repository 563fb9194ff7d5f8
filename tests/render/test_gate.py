"""What a gate says, whatever a model file calls its layers."""

from __future__ import annotations

import json

import pytest

from actdiag.diagnosis.gate import not_checked
from actdiag.records import ToolInfo
from actdiag.render import json as json_format
from actdiag.render._gate import Judged, lines
from tests.render import build
from tests.render.test_github import COMMAND


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_hostile_names_stay_within_their_line(code):
    report = build.hostile()
    told = list(lines([Judged(report, code, report.findings, 2)]))

    assert len(told) == 1 + len(report.findings)
    assert not {"\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\ud800", "\n", "\r"} & set("".join(told))
    assert not [line for line in told if COMMAND.search(line) or "##[" in line]


def test_what_failed_is_listed_to_a_bound():
    many = tuple(build.finding("A", "a", build.Severity.ERROR, f"e{i}") for i in range(10_000))
    told = list(lines([Judged(build.sick(), 1, many)]))

    assert len(told) == 22
    assert told[-1] == "  +9,980 more, --format concise lists all"


def unchecked(why, path="a.pt", code=2):
    return Judged(not_checked(path, why, ToolInfo(version="1")), code)


def test_what_keeps_every_model_from_being_checked_is_told_once():
    told = list(lines([unchecked("--device warp is not known.", f"{i}.pt") for i in range(30)]))

    assert told == ["✗ ERROR all 30 models: --device warp is not known.", "0 of 30 models passed"]


def test_what_differs_between_models_is_told_of_each():
    refused = unchecked("--mask m: no such input.", "b.pt", 4)
    for other in (unchecked("--mask m: another.", "b.pt"), refused, Judged(build.sick(), 1)):
        told = list(lines([unchecked("--mask m: no such input."), other]))
        assert len(told) == 3
        assert told[0] == "✗ ERROR a.pt: --mask m: no such input."
    assert list(lines([refused])) == ["✗ REFUSED b.pt: --mask m: no such input."]


def test_hostile_names_come_back_from_json_as_they_were():
    names = [site["name"] for site in json.loads(json_format.render(build.hostile()))["sites"]]

    assert names == list(build.HOSTILE)
