"""Workflow commands of GitHub Actions: annotations at the lines of a pull request.

GitHub shows ten errors, ten warnings and ten notices of one step and drops the rest without a
word, so the worst come first and the last of each kind says how many were left out. Values are
escaped as the runner unescapes them: ``%``, CR and LF everywhere, ``:`` and ``,`` in properties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import Severity
from actdiag.render._documentation import appended
from actdiag.render._findings import advised, fresh, line_of, location, title
from actdiag.render._story import exemptions, headline, model_name, not_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Finding, Report

_PER_STEP = 10  # of each kind
_TITLE = 255  # characters that the title of an annotation may have
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_MORE = "--report json=PATH holds all of them."


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One command. ``properties`` are escaped when it is written."""

    command: str
    properties: dict[str, str]
    message: str

    def __str__(self) -> str:
        listed = ",".join(f"{key}={_property(value)}" for key, value in self.properties.items())
        return f"::{self.command} {listed}::{_data(self.message)}"


def render(report: Report, *more: Report) -> str:
    """Return one command a line; a healthy report gives a notice."""
    return "".join(f"{annotation}\n" for annotation in _annotations((report, *more)))


def _annotations(reports: tuple[Report, ...]) -> Iterator[_Annotation]:
    told: dict[Severity, list[_Annotation]] = {severity: [] for severity in Severity}
    for report in reports:
        if stopped := not_run(report):
            told[Severity.ERROR].append(_verdict(stopped, "error"))
    for report in reports:
        of = f" of {line_of(model_name(report), 100)}" if len(reports) > 1 else ""
        for finding in fresh(report):
            told[finding.severity].append(_annotation(finding, of))
    if not any(told.values()):
        told[Severity.INFO] = [_verdict(headline(report), "notice") for report in reports]
    told[Severity.INFO][:0] = [_left_out(report) for report in reports if exemptions(report)]
    for severity, entries in told.items():
        yield from _within_limit(_COMMANDS[severity], entries)


def _within_limit(command: str, entries: list[_Annotation]) -> Iterator[_Annotation]:
    if len(entries) <= _PER_STEP:
        yield from entries
        return
    yield from entries[: _PER_STEP - 1]
    left = len(entries) - _PER_STEP + 1
    yield _Annotation(command, {"title": "actdiag"}, f"+{left:,} more of this severity. {_MORE}")


def _verdict(said: tuple[str, str], command: str) -> _Annotation:
    verdict, why = said
    return _Annotation(command, {"title": line_of(verdict, 200)}, line_of(why))


def _left_out(report: Report) -> _Annotation:
    """What the settings leave out, in one notice, so that it takes one of the ten at most."""
    of = line_of(model_name(report), 100)
    told = line_of("; ".join(exemptions(report)))
    return _Annotation("notice", {"title": f"actdiag: left out of {of}"}, told)


def _annotation(finding: Finding, of: str) -> _Annotation:
    at = location(finding.source)
    place = {"file": at.path, "line": str(at.line)} if at else {}
    properties = place | {"title": line_of(f"actdiag {title(finding)}{of}", _TITLE)}
    told = advised(finding) + appended(finding.code)
    return _Annotation(_COMMANDS[finding.severity], properties, told)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
