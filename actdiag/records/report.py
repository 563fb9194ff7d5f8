"""What was made of a scan: findings, diagnoses, the report."""

from __future__ import annotations

import importlib
import typing
from dataclasses import dataclass, field
from typing import Any, Self

from actdiag.errors import UsageError
from actdiag.records.document import MisreadError, from_json, to_json
from actdiag.records.mergeable import Mergeable
from actdiag.records.scan import Scan, Timings
from actdiag.records.words import (
    SCHEMA_VERSION,
    CauseVerdict,
    Confidence,
    Measured,
    Outcome,
    ReportVerdict,
    Severity,
)
from actdiag.text import printable

_SAVE = "Save one with: actdiag scan MODEL DATA --report json=scan.json"
_NESTED = ("per_unit", "quantiles", "attention", "gradient", "inputs")


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired at one place.

    ``units`` are the first twenty unit indices concerned. ``follows_from`` holds fingerprints of
    the findings that explain this one. ``remedy`` says in one sentence what to do.
    """

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    site: str | None
    module: str | None
    source: str | None
    message: str
    remedy: str = ""
    measured: Measured = field(default_factory=dict)
    threshold: Measured = field(default_factory=dict)
    units: tuple[int, ...] = ()
    follows_from: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that could not run, and what it needs."""

    code: str
    needs: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Findings that the settings say to leave out.

    ``rule`` is a code, the beginning of codes or a name, ``modules`` a pattern of module or site
    names as for files. ``findings`` counts what was left out.
    """

    rule: str
    modules: str
    reason: str
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """A documented cause and what the measurement says of it."""

    name: str
    verdict: CauseVerdict
    evidence: str


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """A documented debug step and what came out when it was carried out."""

    id: str
    text: str
    outcome: Outcome
    result: str
    measured: Measured = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A symptom with its numbers, a verdict on each documented cause, each debug step's outcome.

    ``where`` names the site that the diagnosis points at, ``advice`` what to do first, ``cause``
    the confirmed cause that this is against, empty without one.
    ``findings`` holds fingerprints of the findings it rests on, so that a report tells each
    of them once.
    """

    symptom: str
    title: str
    statement: str
    measured: Measured = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    steps: tuple[StepOutcome, ...] = ()
    where: str | None = None
    source: str | None = None
    advice: str = ""
    findings: tuple[str, ...] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A scan, what the rules found in it, and the diagnoses.

    ``known`` holds the fingerprints of findings that a baseline has too, no milder than here.
    ``ignored`` counts the findings that the settings say to leave out, and holds the reasons.
    ``merge`` is what ``actdiag merge`` needs, where it was asked for.
    """

    scan: Scan = field(metadata={"flatten": True})
    findings: tuple[Finding, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    skipped: tuple[Skip, ...] = ()
    verdict: ReportVerdict = ReportVerdict.NOT_CHECKED
    timings: Timings = field(default_factory=Timings)
    known: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    merge: Mergeable | None = None

    @property
    def ok(self) -> bool:
        """True when something was checked and nothing at or above ``warning`` was found."""
        worst = min((finding.severity.rank for finding in self.findings), default=99)
        return self.verdict is not ReportVerdict.NOT_CHECKED and worst >= Severity.INFO.rank

    @property
    def ran(self) -> bool:
        """Whether the model went through the data to its end: only then nothing found says much."""
        return self.scan.data.samples > 0 and not self.scan.coverage.broke_off

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, in the order and with the names of schema version 1."""
        document = {"schema_version": SCHEMA_VERSION, **to_json(self)}
        if self.merge is None:
            del document["merge"]
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read a saved report.

        Raises:
            UsageError: the document is no report, or of a schema version newer than this one.
        """
        version = document.get("schema_version") if isinstance(document, dict) else None
        if type(version) is int and version > SCHEMA_VERSION:
            message = f"of schema version {version}, and this actdiag reads {SCHEMA_VERSION}"
            raise UsageError(message, hint=f"Update actdiag. {_SAVE}")
        if version != SCHEMA_VERSION:
            message = f"not an actdiag report of schema version {SCHEMA_VERSION}"
            raise UsageError(message, hint=_SAVE)
        try:
            return typing.cast("Self", from_json(cls, document))
        except MisreadError as error:
            raise UsageError(f"not a complete saved scan: {error}", hint=_SAVE) from None

    def to_frame(self) -> Any:
        """The sites as a pandas DataFrame: a row per site, its quantiles as ``q0.5`` and so on."""
        pandas = importlib.import_module("pandas")
        rows = []
        for site in self.scan.sites:
            row = {key: value for key, value in to_json(site).items() if key not in _NESTED}
            rows.append(row | {f"q{level}": at for level, at in site.stats.quantiles.items()})
        return pandas.DataFrame(rows)

    def __rich__(self) -> Any:
        return importlib.import_module("rich.text").Text.from_ansi(self._told(color=True))

    def __str__(self) -> str:
        return self._told(color=False)

    def __repr__(self) -> str:
        story = importlib.import_module("actdiag.render._story")
        return f"<Report: {printable(': '.join(story.headline(self)))}>"

    def _repr_html_(self) -> str:
        page: str = importlib.import_module("actdiag.render.html").render(self)
        return page

    def _told(self, *, color: bool) -> str:
        """The report as the terminal shows it; the renderer is looked up by name, being above."""
        told: str = importlib.import_module("actdiag.render.text").render(self, color=color)
        return told
