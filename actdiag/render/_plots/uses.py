"""Where activation functions were used, and how the values that went in were spread."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.records import Severity
from actdiag.render._layers import dead_share, marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actdiag.functions import ActivationFunction
    from actdiag.records import Report, Site

POINTS = 240  # of a curve
_HALVINGS = 60  # beyond a float's digits
_ELEMENTWISE = frozenset(
    row.name for row in functions.ALL if row.elementwise and row.name not in {"linear", "identity"}
)


@dataclass(frozen=True, slots=True)
class Use:
    """A function at a site and the values that went in: quantiles, or only their range."""

    site: Site
    row: ActivationFunction
    quantiles: tuple[tuple[float, float], ...]
    low: float
    high: float

    def value(self, x: float) -> float:
        """What the function makes of ``x``, with the settings that it has there."""
        return float(self.row.value(x, functions.scalar, **self.row.settings))


def worst(report: Report, most: int) -> list[Use]:
    """Return at most ``most`` uses in forward order: those with findings, then the sickest."""
    found, sites = marked(report.findings), report.scan.sites
    known = {site.name: site for site in sites}
    settings = {module.name: module.settings for module in report.scan.modules}

    def badness(use: Use) -> tuple[int, float]:
        stats = use.site.stats
        sick = max(dead_share(use.site) or 0.0, stats.saturated_fraction or 0.0)
        rank = found[use.site.name].rank if use.site.name in found else len(Severity)
        return rank, -sick

    uses = [use for site in sites if (use := _use(site, known, settings.get(site.module, {})))]
    chosen = sorted(range(len(uses)), key=lambda index: badness(uses[index]))[:most]
    return [_spread(uses[index]) for index in sorted(chosen)]


def _use(site: Site, known: dict[str, Site], settings: dict[str, Any]) -> Use | None:
    row = functions.get(site.function) if site.function in _ELEMENTWISE else None
    if row is None:
        return None
    row = row.with_settings({k: v for k, v in settings.items() if k in row.settings})
    source = known.get(site.inputs[0]) if len(site.inputs) == 1 and site.straight else None
    told = source.stats.quantiles if source else {}
    quantiles = tuple((float(key), value) for key, value in told.items() if value is not None)
    units = site.per_unit
    ends = [*(units.input_min if units else ()), *(units.input_max if units else ())]
    seen = [*_finite(ends), *_finite(value for _, value in quantiles)]
    if not seen or len(_finite(told.values())) != len(told):
        return None
    return Use(site, row, quantiles, min(seen), max(seen))


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _spread(use: Use) -> Use:
    """The same with quantiles, where they are known or can be undone."""
    return use if use.quantiles else replace(use, quantiles=tuple(_undone(use)))


def _undone(use: Use) -> Iterator[tuple[float, float]]:
    """Quantiles of what went in from those of what came out, where the function only rises."""
    low, high = use.low, use.high
    steps = [use.value(low + (high - low) * index / POINTS) for index in range(POINTS + 1)]
    if any(after <= before for before, after in pairwise(steps)):
        return
    told = [(key, at) for key, at in use.site.stats.quantiles.items() if at is not None]
    for level, wanted in told:
        left, right = low, high
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            left, right = (left, middle) if use.value(middle) >= wanted else (middle, right)
        yield float(level), right
