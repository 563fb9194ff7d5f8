"""Two reports side by side: what is new, fixed, worse or milder, and which numbers moved.

Sites, weights and findings are matched by name, so the networks may differ in part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actdiag.records import SCHEMA_VERSION, ReportVerdict, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Finding, OutputStats, Report, Site, ToolInfo, WeightStats

_LEAST = 0.1  # our choice: a share that moved by 10 points, a scale by a quarter (0.1 decades)
_OUTPUT = ("accuracy", "r2", "mean_confidence", "confident_wrong", "ece", "nll", "brier")
_HIGHER_IS_BETTER = frozenset({"accuracy", "r2"})
_LOWER_IS_BETTER = frozenset({"confident_wrong", "ece", "nll", "brier", "dead", "saturated"})


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: where it is from and what was said of it."""

    model: str
    data: str
    verdict: ReportVerdict


@dataclass(frozen=True, slots=True)
class Change:
    """One number before and after; null where there was none.

    ``better`` is null where more is neither better nor worse in itself.
    """

    name: str
    before: float | None
    after: float | None
    better: bool | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A site or a weight whose numbers changed.

    ``size`` orders them: 1 is a factor of ten, a whole share, or a mean moved by its spread.
    """

    name: str
    size: float
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A finding at the same place before and after, with another severity."""

    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two reports; lists are worst or largest first.

    ``weights`` compares their scale (rms), mean and std: what a saved scan holds of them.
    """

    before: Side
    after: Side
    tool: ToolInfo
    new: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    worse: tuple[Pair, ...] = ()
    milder: tuple[Pair, ...] = ()
    remaining: int = 0
    output: tuple[Change, ...] = ()
    sites: tuple[Moved, ...] = ()
    sites_added: tuple[str, ...] = ()
    sites_removed: tuple[str, ...] = ()
    sites_alike: int = 0
    weights: tuple[Moved, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values, under the schema version of reports."""
        return {"schema_version": SCHEMA_VERSION, **to_json(self)}


def compare(before: Report, after: Report) -> Comparison:
    """Compare two reports, each judged by the same rules."""
    was, now = _by_fingerprint(before), _by_fingerprint(after)
    both = [Pair(was[key], now[key]) for key in now if key in was]
    sites_before = {site.name: site for site in before.scan.sites}
    sites_after = {site.name: site for site in after.scan.sites}
    weights_before = {weight.name: weight for weight in before.scan.weights}
    sites = [
        _moved(name, _of_site(sites_before[name]), _of_site(site))
        for name, site in sites_after.items()
        if name in sites_before
    ]
    weights = [
        _moved(weight.name, _of_weight(weights_before[weight.name]), _of_weight(weight))
        for weight in after.scan.weights
        if weight.name in weights_before
    ]
    changed = _largest(sites)
    return Comparison(
        before=_side(before),
        after=_side(after),
        tool=after.scan.tool,
        new=_worst(now[key] for key in now if key not in was),
        fixed=_worst(was[key] for key in was if key not in now),
        worse=tuple(p for p in both if p.after.severity.rank < p.before.severity.rank),
        milder=tuple(p for p in both if p.after.severity.rank > p.before.severity.rank),
        remaining=sum(p.after.severity is p.before.severity for p in both),
        output=_output(before.scan.output, after.scan.output),
        sites=changed,
        sites_added=tuple(name for name in sites_after if name not in sites_before),
        sites_removed=tuple(name for name in sites_before if name not in sites_after),
        sites_alike=len(sites) - len(changed),
        weights=_largest(weights),
    )


def _side(report: Report) -> Side:
    model = report.scan.model.path or report.scan.model.class_name
    return Side(model, report.scan.data.source, report.verdict)


def _by_fingerprint(report: Report) -> dict[str, Finding]:
    """The worst finding of each fingerprint."""
    milder_first = sorted(report.findings, key=lambda finding: -finding.severity.rank)
    return {finding.fingerprint: finding for finding in milder_first}


def _worst(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: finding.severity.rank))


def _of_site(site: Site) -> dict[str, float | None]:
    stats = site.stats
    dead = stats.dead_units
    return {
        "mean": stats.mean,
        "std": stats.std,
        "zeros": stats.zero_fraction,
        "dead": None if dead is None or not site.units else dead / site.units,
        "saturated": stats.saturated_fraction,
        "slope": stats.mean_slope,
    }


def _of_weight(weight: WeightStats) -> dict[str, float | None]:
    return {"rms": weight.rms, "mean": weight.mean, "std": weight.std}


_SHARES = frozenset({"zeros", "dead", "saturated"})
_SCALES = frozenset({"rms", "std", "slope"})


def _moved(name: str, before: dict[str, float | None], after: dict[str, float | None]) -> Moved:
    """How far the numbers of one site or weight moved, the mean against the spread before."""
    spread = max(before["std"] or 0.0, after["std"] or 0.0)
    sizes = {
        key: _size(key, before[key], after[key], spread)
        for key in before
        if before[key] is not None or after[key] is not None
    }
    changes = tuple(
        _change(key, before[key], after[key]) for key, size in sizes.items() if size >= _LEAST
    )
    return Moved(name, max(sizes.values(), default=0.0), changes)


def _size(key: str, before: float | None, after: float | None, spread: float) -> float:
    """0 for no change; 1 for a factor of ten, a whole share, or a mean moved by its spread."""
    if before is None or after is None or not math.isfinite(before + after):
        return 0.0 if before == after else 1.0
    if before == after:
        return 0.0
    if key in _SHARES:
        return abs(after - before)
    if key in _SCALES:
        low, high = sorted((abs(before), abs(after)))
        return min(math.log10(high / low), 10.0) if low > 0 else 10.0
    return min(abs(after - before) / spread, 10.0) if spread > 0 else 10.0


def _largest(moved: Iterable[Moved]) -> tuple[Moved, ...]:
    return tuple(sorted((m for m in moved if m.changes), key=lambda m: -m.size))


def _output(before: OutputStats | None, after: OutputStats | None) -> tuple[Change, ...]:
    values = [(name, getattr(before, name, None), getattr(after, name, None)) for name in _OUTPUT]
    return tuple(_change(*each) for each in values if each[1] != each[2])


def _change(name: str, before: float | None, after: float | None) -> Change:
    if before is None or after is None:
        return Change(name, before, after)
    if name in _HIGHER_IS_BETTER:
        return Change(name, before, after, better=after > before)
    return Change(name, before, after, after < before if name in _LOWER_IS_BETTER else None)
