"""The gate of ``actdiag check``: each model judged against a baseline, which may be renewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from actdiag.cli._many import Scanned
from actdiag.cli._saved import read
from actdiag.cli._targets import Target, check_writable
from actdiag.diagnosis import gate
from actdiag.render._gate import Judged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from actdiag.records import Report, Severity


@dataclass(frozen=True, slots=True)
class Gate:
    """What a model must not have, and what it may have because a baseline has it."""

    before: Sequence[Report]
    checked: Sequence[str]
    fail_on: Severity
    strict_skips: bool

    def judged(self, one: Scanned) -> Judged:
        """Say whether a model passes, and why not."""
        saved = gate.baseline_of(one.report, self.before, self.checked)
        report = gate.against(one.report, saved.findings if saved else ())
        strict = self.strict_skips
        code = gate.exit_code(report, fail_on=self.fail_on, strict_skips=strict, broken=one.broken)
        skipped = len(gate.avoidable_skips(report)) if strict and code <= 1 else 0
        return Judged(report, code, gate.failing(report, self.fail_on), skipped)

    def updated(self, path: Path, judged: list[Judged]) -> list[Judged]:
        """Write what was checked as the baseline, and judge it again by that."""
        checked = [replace(one.report, known=()) for one in judged if one.code <= 1]
        if not checked:
            return judged
        Target("json", path).write(*checked)
        after = replace(self, before=checked)
        return [after.judged(Scanned(one.report)) if one.code <= 1 else one for one in judged]


def baseline(path: Path | None, asked: dict[str, Any], *, update: bool) -> tuple[Report, ...]:
    """Read a baseline, its numbers judged by the rules of today as well as by those of its time.

    Args:
        path: of the saved scan, or null without one.
        asked: options of the pipeline, for the rules that run.
        update: it will be written, so it need not be there yet.

    Raises:
        UsageError: it cannot be read, or be written where it must.
    """
    if path is None:
        return ()
    if update:
        check_writable(path, f"--baseline {path}")
        if not path.exists():
            return ()
    from actdiag.diagnosis.judged import judged

    rules = {name: asked[name] for name in ("select", "ignore", "settings")}
    return tuple(
        replace(saved, findings=(*saved.findings, *judged(saved.scan, **rules).findings))
        for saved in read(path)
    )
