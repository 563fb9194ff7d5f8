"""What a rule is: a pure function from a Scan to findings, with its needs and its thresholds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from actdiag.records import Confidence, Finding, Measured, Scan, Severity, Site

Limits = Mapping[str, float]
"""Thresholds in force, by name."""

Check = Callable[[Scan, Limits], Iterable[Finding]]

HEADINGS = (
    "What it sees",
    "Why it matters",
    "How to tell it from a healthy look-alike",
    "What to do",
    "Source",
)
UNITS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that a rule compares with: its name, its default, and where the default is from."""

    name: str
    default: float
    source: str


@dataclass(frozen=True, slots=True)
class Place:
    """What a finding is about, where it is not a site: a module or one of its parameters."""

    name: str
    module: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Rule:
    """One rule. The docstring of the module that holds ``check`` is its documentation.

    Attributes:
        code: such as ``ACT101``; never changes.
        name: kebab-case, unique.
        needs: words of :mod:`actdiag.rules.needs`; where one is missing the rule is skipped.
        thresholds: every number that the check compares with.
        check: yields findings; it knows neither configuration nor formatting.
        data_free: true of a finding whatever the input, so synthetic input doesn't weaken it.
        capacity: about wasted capacity, so one step less severe where labels show that the
            model works.
        follows: codes of the rules whose findings explain this one's.
    """

    code: str
    name: str
    needs: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    check: Check
    data_free: bool = False
    capacity: bool = False
    follows: tuple[str, ...] = ()

    @property
    def documentation(self) -> str:
        """The module docstring."""
        return (sys.modules[self.check.__module__].__doc__ or "").strip()

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return self.documentation.partition("\n")[0]

    @property
    def sections(self) -> dict[str, str]:
        """The docstring's text by heading, in order."""
        parts = self.documentation.split("\n## ")[1:]
        titled = (part.partition("\n") for part in parts)
        return {title.strip(): text.strip() for title, _, text in titled}

    def limits(self, changed: Limits | None = None) -> dict[str, float]:
        """The defaults with ``changed`` on top."""
        return {item.name: item.default for item in self.thresholds} | dict(changed or {})

    def finding(
        self,
        severity: Severity,
        at: Site | Place | None,
        message: str,
        *,
        remedy: str,
        measured: Measured,
        threshold: Measured | None = None,
        units: Iterable[int] = (),
        confidence: Confidence = Confidence.HIGH,
    ) -> Finding:
        """A finding of this rule at a site, at a parameter, or (``at=None``) of the whole model."""
        where = at.name if at is not None else None
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity,
            confidence=confidence,
            site=where if isinstance(at, Site) else None,
            module=at.module if at is not None else None,
            source=at.source if at is not None else None,
            message=message,
            remedy=remedy,
            measured=measured,
            threshold=threshold or {},
            units=tuple(units)[:UNITS_SHOWN],
            fingerprint=self.code if where is None else f"{self.code}:{where}",
        )
