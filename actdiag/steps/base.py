"""What a debug step is, and what it is given to work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actdiag.records import Finding, Outcome, Scan, Severity, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actdiag.steps.bench import Bench


@dataclass(frozen=True, slots=True)
class Case:
    """A scanned model with its findings; ``bench`` is where a copy can be worked on, if it is."""

    scan: Scan
    findings: tuple[Finding, ...]
    bench: Bench | None = None

    def found(self, code: str, *, at_least: Severity = Severity.INFO) -> tuple[Finding, ...]:
        """The findings of one rule, at or above a severity."""
        return tuple(
            finding
            for finding in self.findings
            if finding.code == code and finding.severity.rank <= at_least.rank
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a step: the outcome, a sentence with the numbers, and the numbers."""

    outcome: Outcome
    text: str
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A documented debug step: its text, and what carries it out.

    ``works_on_copy`` marks the steps that run a copy of the model, which ``--steps none`` spares.
    """

    id: str
    text: str
    carry_out: Callable[[Case], Result]
    works_on_copy: bool = False

    def outcome(self, result: Result) -> StepOutcome:
        """The record of this step with that result."""
        return StepOutcome(self.id, self.text, result.outcome, result.text, dict(result.measured))


def needs(text: str) -> Result:
    """The step was not carried out, and what it needs."""
    return Result(Outcome.NEEDS_INPUT, text)


def not_applicable(text: str, **measured: Any) -> Result:
    """The step has nothing to act on in this model."""
    return Result(Outcome.NOT_APPLICABLE, text, measured)
