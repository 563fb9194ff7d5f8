"""What a debug step cost, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actdiag.records import Report, StepOutcome


def cost(report: Report, step: StepOutcome) -> str:
    """Such as `` (0.12 s)``, with the space before it; empty for a step that was not started."""
    seconds = report.timings.steps_s.get(step.id)
    return "" if seconds is None else f" ({seconds:.2f} s)"
