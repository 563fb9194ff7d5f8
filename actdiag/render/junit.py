"""JUnit XML: one suite per model, one test case per finding, as CI systems list tests.

An error or a warning is a failure, a note passes and is told in its output, a rule that could not
run is skipped, and a model that was not checked is an error.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from typing import TYPE_CHECKING

from actdiag.records import Severity
from actdiag.render._documentation import command
from actdiag.render._findings import advised, fresh, line_of, place, title
from actdiag.render._story import exemptions, model_name, not_run, skips_by_reason

if TYPE_CHECKING:
    from actdiag.records import Finding, Report

_MOST = 1000  # cases of one suite; our choice: more than a person reads
_ALL = 10_000  # of all suites: GitLab takes 30 MB


def render(report: Report, *more: Report) -> str:
    """Return the document; at most a thousand findings of a model are cases, the worst."""
    suites = ET.Element("testsuites", name="actdiag")
    most = min(_MOST, max(1, _ALL // (1 + len(more))))
    for each in (report, *more):
        _suite(suites, each, most)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _suite(suites: ET.Element, report: Report, most: int) -> None:
    path = report.scan.model.path or report.scan.model.class_name
    suite = ET.SubElement(suites, "testsuite", name=line_of(path, 300))
    model = line_of(model_name(report), 300)

    def case(name: str) -> ET.Element:
        return ET.SubElement(suite, "testcase", classname=model, name=line_of(name))

    checked = case("checked")
    if stopped := not_run(report):
        _outcome(checked, "error", "not-checked", *map(line_of, stopped))
    found = fresh(report)
    for finding in found[:most]:
        _finding(case(f"{finding.code} {finding.name}: {place(finding)}"), finding)
    if len(found) > most:
        left = f"+{len(found) - most:,} more"
        said = f"{left}; --report json=PATH holds all of them"
        _outcome(case("more findings"), "failure", "more", left, said)
    for reason, codes in skips_by_reason(report.skipped).items():
        for code in codes:
            ET.SubElement(case(code), "skipped", message=line_of(reason))
    for line in exemptions(report):
        ET.SubElement(case("left out"), "skipped", message=line_of(line))
    _count(suite)


def _finding(case: ET.Element, finding: Finding) -> None:
    explained = command(finding.code) and f"Documentation: {command(finding.code)}"
    lines = advised(finding), explained, line_of(finding.source or "")
    told = "\n".join(filter(None, lines))
    if finding.severity is Severity.INFO:
        ET.SubElement(case, "system-out").text = told
    else:
        _outcome(case, "failure", str(finding.severity), title(finding), told)


def _outcome(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, tag, {"type": kind, "message": message}).text = text


def _count(suite: ET.Element) -> None:
    tags = Counter(child.tag for case in suite for child in case)
    amounts = {"tests": len(suite), "failures": tags["failure"], "errors": tags["error"]}
    for key, amount in (amounts | {"skipped": tags["skipped"]}).items():
        suite.set(key, str(amount))
