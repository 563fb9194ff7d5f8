"""Every finding leads to its documentation, in each format's own way, and nowhere else."""

from __future__ import annotations

import json
import re

import pytest

from actdiag import render
from actdiag.errors import UsageError
from actdiag.records import Severity
from actdiag.render import _documentation, html, junit, sarif
from actdiag.rules import registry
from tests.render import build


@pytest.mark.parametrize("name", ["github", "gitlab", "junit", "markdown", "sarif", "text"])
def test_the_command_that_explains_a_rule_is_named(name):
    written = render.render(name, build.sick())

    for code in ("ACT101", "ACT106", "DAT701"):
        assert f"actdiag explain {code}" in written or (name == "text" and code in written)


def test_the_page_holds_what_it_links_to():
    written = html.render(build.sick(), build.long())
    linked = set(re.findall('href="#(rule-[^"]*)"', written))

    assert linked == {"rule-ACT101", "rule-ACT102", "rule-ACT106", "rule-DAT701"}
    assert all(written.count(f'id="{name}"') == 1 for name in linked)
    assert "Zeros are not death" in written


def test_a_log_carries_the_whole_page_of_each_rule():
    rules = json.loads(sarif.render(build.sick()))["runs"][0]["tool"]["driver"]["rules"]
    told = rules[0]["help"]["markdown"]

    for heading, text in registry()["ACT101"].sections.items():
        assert f"## {heading}\n\n{' '.join(text.split())}" in told


def test_no_address_is_made_up():
    for name in render.names():
        written = render.render(name, build.sick()).replace("http://www.w3.org/", "")
        assert not re.search("https?://", written.replace(sarif._SCHEMA, "")), name


def test_a_rule_that_is_not_known_here_has_none():
    found = build.finding("XYZ999", "of-a-plugin", Severity.ERROR, "1")
    report = build.Report(scan=build.scan(()), findings=(found,))

    assert _documentation.documented([found]) == {}
    assert "explain" not in junit.render(report)
    assert "rule-XYZ999" not in html.render(report)
    rule = json.loads(sarif.render(report))["runs"][0]["tool"]["driver"]["rules"][0]
    assert rule["help"] == {"text": "A rule that is not installed here."}


def test_a_broken_plugin_stops_no_report(monkeypatch):
    def broken():
        raise UsageError("a plugin cannot be loaded")

    monkeypatch.setattr("actdiag.rules.registry", broken)
    _documentation._pages.cache_clear()
    try:
        assert "ACT101" in junit.render(build.sick())
        assert _documentation.command("ACT101") == ""
    finally:
        _documentation._pages.cache_clear()
