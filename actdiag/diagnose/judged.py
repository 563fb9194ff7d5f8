"""From a scan to a judged report, measured just now or saved long ago; no model is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actdiag import rules
from actdiag.diagnose import diagnose
from actdiag.records import Report, ReportVerdict, Role, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actdiag.records import Diagnosis, Scan

    Settings = Mapping[str, Mapping[str, Any]]


def judged(
    record: Scan,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    settings: Settings | None = None,
) -> Report:
    """The report of a scan without diagnoses: findings, skips and the verdict."""
    findings, skipped = rules.judge(record, settings, select=select or (), ignore=ignore or ())
    return diagnosed(Report(record, findings, skipped=skipped), ())


def diagnosed(report: Report, diagnoses: tuple[Diagnosis, ...]) -> Report:
    """The report with its diagnoses and the verdict that follows.

    A diagnosis, or a finding above ``info``, is a finding; without either, a model is healthy only
    if it ran through to the end and more than its inputs and outputs was seen.
    """
    scan = report.scan
    if diagnoses or any(finding.severity is not Severity.INFO for finding in report.findings):
        verdict = ReportVerdict.FINDINGS
    elif _was_seen(scan) and scan.data.samples and scan.coverage.failure is None:
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
    ignore: Iterable[str] | None = None,
    settings: Settings | None = None,
) -> Report:
    """A saved report judged by the present rules; debug steps keep the outcomes they had."""
    report = judged(saved.scan, select=select, ignore=ignore, settings=settings)
    outcomes = {step.id: step for diagnosis in saved.diagnoses for step in diagnosis.steps}
    diagnoses = diagnose(saved.scan, report.findings, outcomes)
    return replace(diagnosed(report, diagnoses), timings=saved.timings)
