"""SARIF 2.1.0, the OASIS standard for results of static analysis; one run per model."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from actdiag.records import Severity
from actdiag.render._documentation import Documentation, command, documented
from actdiag.render._findings import advised, line_of, location, place, worst_first
from actdiag.render._story import exemptions, not_run, skips_by_reason, worst_severity

if TYPE_CHECKING:
    from actdiag.records import Finding, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_MOST = 5000  # results in all: GitHub's code scanning shows no more of a run, takes 10 MB packed
_RUNS = 20  # that it takes of one file


def render(report: Report, *more: Report) -> str:
    """Return the log of at most twenty models and five thousand results, the worst first.

    Rules that could not run and a model that was not checked are notifications of the run, so that
    no results never reads as health. So are findings that the settings leave out, with the reason:
    code scanning would open an alert for each, as it does not know of ``suppressions``. A result
    without a line of source points at the model file.
    """
    reports = sorted((report, *more), key=_badness)[:_RUNS]
    runs = [_run(each, _MOST // len(reports)) for each in reports]
    if left := 1 + len(more) - len(runs):
        told = _notification("warning", f"+{left:,} more models were left out")
        runs[0]["invocations"][0]["toolExecutionNotifications"].append(told)
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}, indent=1) + "\n"


def _badness(report: Report) -> int:
    if not_run(report):
        return -1
    worst = worst_severity(report)
    return len(Severity) if worst is None else worst.rank


def _run(report: Report, most: int) -> dict[str, Any]:
    found = worst_first(report.findings)
    rules = {finding.code: finding for finding in sorted(found, key=lambda f: f.code)}
    order, pages = list(rules), documented(found)
    tool = report.scan.tool
    return {
        "tool": {
            "driver": {
                "name": line_of(tool.name),
                "version": line_of(tool.version),
                "rules": [_rule(f, pages.get(code)) for code, f in rules.items()],
            }
        },
        "automationDetails": {"id": f"actdiag/{_uri(_model(report))}/"},
        "artifacts": [{"location": {"uri": _uri(_model(report))}}],
        "invocations": [_invocation(report, len(found) - most)],
        "results": [_result(f, order.index(f.code), report) for f in found[:most]],
    }


def _rule(finding: Finding, page: Documentation | None) -> dict[str, Any]:
    about = {
        "id": line_of(finding.code, 100),
        "name": "".join(part.capitalize() for part in line_of(finding.name, 100).split("-")),
        "shortDescription": {"text": line_of(finding.name, 100).replace("-", " ")},
    }
    if page is None:  # code scanning wants both texts of every rule
        unknown = {"text": "A rule that is not installed here."}
        return about | {"fullDescription": unknown, "help": unknown}
    more = f"{command(page.code)} shows this page and the thresholds."
    told = page.sections.items()
    return about | {
        "fullDescription": {"text": page.summary},
        "help": {
            "text": "\n\n".join([*(f"{title}: {text}" for title, text in told), more]),
            "markdown": "\n\n".join([*(f"## {title}\n\n{text}" for title, text in told), more]),
        },
    }


def _result(finding: Finding, index: int, report: Report) -> dict[str, Any]:
    at = location(finding.source)
    artifact = {"artifactLocation": {"uri": _uri(at.path if at else _model(report))}}
    region = {"region": {"startLine": at.line}} if at else {}
    key = finding.fingerprint or f"{finding.code}:{finding.site}"
    state = {"baselineState": _state(finding, report)} if report.known else {}
    return {
        "ruleId": line_of(finding.code, 100),
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": advised(finding)},
        "locations": [
            {
                "physicalLocation": artifact | region,
                "logicalLocations": [{"fullyQualifiedName": place(finding), "kind": "module"}],
            }
        ],
        "partialFingerprints": {"actdiag/v1": _hash(key)},
        "properties": {"confidence": str(finding.confidence)},
    } | state


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _state(finding: Finding, report: Report) -> str:
    return "unchanged" if finding.fingerprint in report.known else "new"


def _invocation(report: Report, left: int) -> dict[str, Any]:
    stopped = not_run(report)
    said = [_notification("error", ": ".join(stopped))] if stopped else []
    if left > 0:
        said.append(_notification("warning", f"+{left:,} more results were left out"))
    skipped = [
        _notification("note", f"{', '.join(codes)} skipped: {reason}")
        for reason, codes in skips_by_reason(report.skipped).items()
    ]
    ignored = [_notification("note", line) for line in exemptions(report)]
    return {
        "executionSuccessful": not stopped,
        "toolExecutionNotifications": said,
        "toolConfigurationNotifications": [*ignored, *skipped],
    }


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": line_of(text)}}


def _model(report: Report) -> str:
    path = report.scan.model.path or report.scan.model.class_name or "model"
    return line_of(path, 300).replace("\\", "/").removeprefix("./")


def _uri(path: str) -> str:
    """Return a path as a URI reference; a colon in its first part would read as a scheme."""
    return ("file://" if path.startswith("/") else "") + quote(path, safe="/")
