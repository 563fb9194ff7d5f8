"""The words of the contract: roles, severities, verdicts, outcomes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

SCHEMA_VERSION = 1


Measured = dict[str, Any]


class Role(StrEnum):
    """What a site is in the network."""

    INPUT = "input"
    ACTIVATION = "activation"
    GATE = "gate"
    GATED_PRODUCT = "gated-product"
    ATTENTION = "attention"
    LINEAR = "linear"
    CONV = "conv"
    NORM = "norm"
    RECURRENT = "recurrent"
    BLOCK = "block"
    OUTPUT = "output"


class Severity(StrEnum):
    """Harm: ``error`` is broken or won't train, ``warning`` likely harm, ``info`` worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting by rank puts the worst first."""
        return list(Severity).index(self)

    def lowered(self) -> Severity:
        """One step less severe; ``info`` stays."""
        return list(Severity)[min(self.rank + 1, len(Severity) - 1)]


class Confidence(StrEnum):
    """How sure a finding is, apart from how harmful it would be."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class CauseVerdict(StrEnum):
    """What the measurement says of a documented cause."""

    CONFIRMED = "confirmed"
    RULED_OUT = "ruled-out"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What came out of a documented debug step."""

    DONE = "done"
    HELPS = "helps"
    NO_EFFECT = "no-effect"
    NOT_APPLICABLE = "not-applicable"
    NEEDS_INPUT = "needs-input"


class ReportVerdict(StrEnum):
    """The report in one word. Nothing captured is never healthy."""

    HEALTHY = "healthy"
    FINDINGS = "findings"
    NOT_CHECKED = "not-checked"
