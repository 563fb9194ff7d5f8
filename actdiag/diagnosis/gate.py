"""Whether a report lets a change pass: what is new or worse than a baseline, and bad enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from actdiag.records import (
    Coverage,
    DataInfo,
    ModelInfo,
    Report,
    ReportVerdict,
    Scan,
    Severity,
    ToolInfo,
)
from actdiag.rules.needs import normalises_by_batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from actdiag.records import Finding, Skip

# Nobody can give what the model or its file lacks, and training data are missed only if asked for.
_NOT_LACKING = frozenset(
    {
        "classifier",
        "classes",
        "gated-product",
        "modules",
        "optimizer",
        "tokens",
        "training-data",
        "weights",
    }
)


def not_checked(path: str, why: str, tool: ToolInfo) -> Report:
    """A report of a model that could not even be loaded, or not be run at all."""
    note = Coverage(note=why)
    return Report(Scan(tool, ModelInfo(path, "unknown", ""), DataInfo("none"), note))


def against(report: Report, baseline: Iterable[Finding]) -> Report:
    """The report with the findings named that a baseline has too, no milder there than here."""
    before: dict[str, int] = {}
    for finding in baseline:
        rank = finding.severity.rank
        before[finding.fingerprint] = min(rank, before.get(finding.fingerprint, rank))
    known = (
        finding.fingerprint
        for finding in report.findings
        if before.get(finding.fingerprint, len(Severity)) <= finding.severity.rank
    )
    return replace(report, known=tuple(dict.fromkeys(known)))


def baseline_of(
    report: Report, saved: Sequence[Report], checked: Collection[str] = ()
) -> Report | None:
    """The saved report of the same model file.

    One that is alone in its file serves every model, unless it is that of another one of those
    ``checked``.
    """
    if len(saved) == 1 and saved[0].scan.model.path not in checked:
        return saved[0]
    return next((each for each in saved if each.scan.model.path == report.scan.model.path), None)


def failing(report: Report, fail_on: Severity) -> tuple[Finding, ...]:
    """The findings at or above a severity that no baseline knows."""
    known = set(report.known)
    return tuple(
        finding
        for finding in report.findings
        if finding.severity.rank <= fail_on.rank and finding.fingerprint not in known
    )


def avoidable_skips(report: Report) -> tuple[Skip, ...]:
    """The rules that did not run for want of data or labels that this scan could have had."""
    return tuple(skip for skip in report.skipped if _is_avoidable(skip, report.scan))


def _is_avoidable(skip: Skip, scan: Scan) -> bool:
    if skip.needs == "gradients":
        return scan.gradients is not None  # asked for, and there was no loss
    if skip.needs == "both-modes":
        return normalises_by_batch(scan)
    return skip.needs not in _NOT_LACKING


def exit_code(
    report: Report, *, fail_on: Severity, strict_skips: bool, broken: int | None = None
) -> int:
    """The contract's exit code of one model; ``broken`` is that of the error that stopped it.

    A model that was not run to its end never passes, whatever mild things were found until then.
    """
    if broken is not None:
        return broken
    if report.verdict is ReportVerdict.NOT_CHECKED:
        return 3
    if failing(report, fail_on):
        return 1
    if not report.ran:
        return 3
    return int(strict_skips and bool(avoidable_skips(report)))


def worst_code(codes: Iterable[int]) -> int:
    """One exit code for several models: refused before unusable, not checked, failing, fine."""
    return min(codes, key=(4, 2, 3, 1, 0).index)
