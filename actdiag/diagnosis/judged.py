"""From a scan to a judged report, measured just now or saved long ago; no model is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actdiag import rules
from actdiag.diagnosis.reports import diagnose
from actdiag.records import Report, ReportVerdict, Role, Severity
from actdiag.rules.exempt import exempted
from actdiag.rules.select import check_settings, chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actdiag.records import Diagnosis, Ignored, Scan

    Settings = Mapping[str, Mapping[str, Any]]


def check_asked(
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str | Ignored] | None = None,
    settings: Settings | None = None,
) -> None:
    """Refuse what :func:`judged` would refuse, before anything was measured.

    Raises:
        UsageError: a word means no rule, or a threshold belongs to none.
    """
    known = rules.registry()
    words = [entry if isinstance(entry, str) else entry.rule for entry in ignore or ()]
    chosen(known, select or (), words)
    check_settings(known, settings or {})


def judged(
    record: Scan,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str | Ignored] | None = None,
    settings: Settings | None = None,
) -> Report:
    """The report of a scan without diagnoses: findings, skips and the verdict.

    Words in ``ignore`` are rules that don't run; records leave out some of what a rule finds.
    """
    unwanted = tuple(ignore or ())
    words = [entry for entry in unwanted if isinstance(entry, str)]
    found, skipped = rules.judge(record, settings, select=select or (), ignore=words)
    exemptions = (entry for entry in unwanted if not isinstance(entry, str))
    findings, ignored = exempted(found, exemptions)
    return diagnosed(Report(record, findings, skipped=skipped, ignored=ignored), ())


def diagnosed(report: Report, diagnoses: tuple[Diagnosis, ...]) -> Report:
    """The report with its diagnoses and the verdict that follows.

    A diagnosis, or a finding above ``info``, is a finding; without either, a model is healthy only
    if it ran through to the end and more than its inputs and outputs was seen.
    """
    if diagnoses or any(finding.severity is not Severity.INFO for finding in report.findings):
        verdict = ReportVerdict.FINDINGS
    elif report.ran and _was_seen(report.scan):
        verdict = ReportVerdict.HEALTHY
    else:
        verdict = ReportVerdict.NOT_CHECKED
    return replace(report, diagnoses=diagnoses, verdict=verdict)


def _was_seen(scan: Scan) -> bool:
    return any(site.role not in (Role.INPUT, Role.OUTPUT) for site in scan.sites)


def judged_again(
    saved: Report,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str | Ignored] | None = None,
    settings: Settings | None = None,
) -> Report:
    """A saved report judged by the present rules; steps on a copy keep the outcomes they had."""
    report = judged(saved.scan, select=select, ignore=ignore, settings=settings)
    diagnoses = diagnose(replace(report, diagnoses=saved.diagnoses))
    return replace(diagnosed(report, diagnoses), timings=saved.timings, merge=saved.merge)
