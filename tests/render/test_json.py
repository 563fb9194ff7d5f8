from __future__ import annotations

import json

import pytest

from actdiag import render
from actdiag.records import Report
from actdiag.render import json as json_format
from tests.render import build


def refuse(constant):
    raise AssertionError(f"{constant} in the JSON")


@pytest.mark.parametrize("name", build.ALL)
def test_is_one_document_without_nan_that_reads_back(name):
    report = build.ALL[name]()
    text = json_format.render(report)
    document = json.loads(text, parse_constant=refuse)

    assert text.endswith("}\n")
    assert document == report.to_json()
    assert json_format.render(Report.from_json(document)) == text


@pytest.mark.parametrize("name", ["healthy", "sick", "broken_off", "hostile"])
def test_looks_as_approved(name, snapshot):
    assert json_format.render(build.ALL[name]()) == snapshot


def test_keys_come_in_the_order_of_the_schema():
    keys = list(json.loads(json_format.render(build.sick())))

    assert keys[:4] == ["schema_version", "tool", "model", "data"]
    assert keys[-7:-3] == ["findings", "diagnoses", "skipped", "verdict"]
    assert keys[-3:] == ["timings", "known", "ignored"]


def test_hostile_names_cannot_harm_a_terminal_and_read_back_unchanged():
    text = json_format.render(build.hostile())
    harmful = {"\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"}

    assert harmful.isdisjoint(text)
    text.encode()
    assert [site["name"] for site in json.loads(text)["sites"]] == list(build.HOSTILE)


def test_one_line_for_each_site():
    text = render.render("json", build.long())

    assert sum('"encoder.layers.' in line for line in text.splitlines()) == 100 + 10
