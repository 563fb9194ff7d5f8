"""GitLab's code quality report: a JSON array of issues, as its merge request widget reads it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from actdiag.records import Severity
from actdiag.render._documentation import appended
from actdiag.render._findings import Location, advised, line_of, location, title, worst_first
from actdiag.render._story import INTERRUPTED, exemption, model_name, not_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Finding, Ignored, Report

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}
_MOST = 1000  # our choice: more than a person reads in a merge request


def render(report: Report, *more: Report) -> str:
    """Return the issues, worst first; a report that was not checked is one of severity blocker.

    Issues that a baseline knows are listed too: GitLab compares with the target branch itself.
    An issue without a line of source points at the model file.
    """
    reports = (report, *more)
    found = [_not_run(each, said) for each in reports if (said := not_run(each))]
    pairs = [(finding, each) for each in reports for finding in worst_first(each.findings)]
    pairs.sort(key=lambda pair: pair[0].severity.rank)
    found += [_issue(finding, each) for finding, each in pairs]
    found += [_interrupted(each) for each in reports if each.scan.coverage.interrupted]
    found += [_ignored(one, each) for each in reports for one in each.ignored]
    issues = _told_once(found)
    if len(issues) > _MOST:
        left = f"+{len(issues) - _MOST + 1:,} more findings; --report json=PATH holds all of them"
        rest = _entry(report, left, "actdiag/more", "info", None, "more")
        issues = [*issues[: _MOST - 1], rest]
    return json.dumps(issues, indent=2) + "\n"


def _told_once(issues: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """GitLab shows the first issue of a fingerprint only, so there is no use in another."""
    return list({issue["fingerprint"]: issue for issue in reversed(list(issues))}.values())[::-1]


def _issue(finding: Finding, report: Report) -> dict[str, Any]:
    model = line_of(model_name(report), 100)
    text = f"{title(finding)} of {model}: {advised(finding)}{appended(finding.code)}"
    check, severity = f"actdiag/{finding.code}", _SEVERITIES[finding.severity]
    key = finding.fingerprint or f"{finding.code}:{finding.site}"
    return _entry(report, text, check, severity, location(finding.source), key)


def _ignored(one: Ignored, report: Report) -> dict[str, Any]:
    """An exemption as an issue of its own: the format holds nothing else."""
    key = f"ignored\0{one.rule}\0{one.modules}"
    text = line_of(exemption(one))
    return _entry(report, text, "actdiag/ignored", "info", None, key)


def _interrupted(report: Report) -> dict[str, Any]:
    text = f"interrupted: {INTERRUPTED}"
    return _entry(report, text, "actdiag/interrupted", "major", None, "interrupted")


def _not_run(report: Report, said: tuple[str, str]) -> dict[str, Any]:
    text = line_of(": ".join(said))
    return _entry(report, text, "actdiag/not-checked", "blocker", None, "not-checked")


def _entry(
    report: Report, text: str, check: str, severity: str, at: Location | None, key: str
) -> dict[str, Any]:
    model = line_of(report.scan.model.path or report.scan.model.class_name, 300)
    at = at or Location(model.replace("\\", "/").removeprefix("./") or "model", 1)
    told = f"{model}\0{key}".encode("utf-8", "replace")
    return {
        "description": text,
        "check_name": check,
        "fingerprint": hashlib.sha256(told).hexdigest()[:32],
        "severity": severity,
        "location": {"path": at.path, "lines": {"begin": at.line}},
    }
