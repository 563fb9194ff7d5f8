"""Activation functions as they were used: the curve, and what went in under it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.records import Severity
from actdiag.render._layers import dead_share, marked
from actdiag.render._plots.canvas import Drawing, Palette, styled
from actdiag.render._plots.names import short
from actdiag.render._words import number, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.axes import Axes

    from actdiag.functions import ActivationFunction
    from actdiag.records import Report, Site

_MOST = 6  # panels; our choice: the worst layers tell, the table has all
_POINTS = 240
_RARE = 0.05  # our choice: of a long tail the range is told
_CAPTION = (
    "The line is the function; the bars beneath are how the values that went in are spread, from "
    "their quantiles. Values that sit where the line is flat let no gradient through."
)


@dataclass(frozen=True, slots=True)
class _Use:
    """A function at a site and the values that went in: quantiles, or only their range."""

    site: Site
    row: ActivationFunction
    quantiles: tuple[tuple[float, float], ...]
    low: float
    high: float


def draw(report: Report, palette: Palette) -> Drawing | None:
    """Draw up to six layers, the worst first; null without a function whose input is known."""
    uses = _worst(report)
    if not uses:
        return None
    with styled(palette):
        from matplotlib.figure import Figure

        columns = min(3, len(uses))
        rows = math.ceil(len(uses) / columns)
        figure = Figure(figsize=(3.3 * columns, 2.9 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        axes = [axis for line in grid for axis in line]
        for axis, use in zip(axes, uses, strict=False):
            _panel(axis, use, palette)
        for axis in axes[len(uses) :]:
            axis.set_axis_off()
    return Drawing("functions", "What went into the activation functions", _CAPTION, figure)


def _worst(report: Report) -> list[_Use]:
    found, sites = marked(report.findings), report.scan.sites
    known = {site.name: site for site in sites}

    def badness(use: _Use) -> tuple[int, float]:
        stats = use.site.stats
        sick = max(dead_share(use.site) or 0.0, stats.saturated_fraction or 0.0)
        rank = found[use.site.name].rank if use.site.name in found else len(Severity)
        return rank, -sick

    uses = [use for site in sites if (use := _use(site, known, report)) is not None]
    worst = sorted(uses, key=badness)[:_MOST]
    return [use for use in uses if use in worst]


def _use(site: Site, known: dict[str, Site], report: Report) -> _Use | None:
    row = functions.get(site.function) if site.function in _ELEMENTWISE else None
    if row is None:
        return None
    settings = next((m.settings for m in report.scan.modules if m.name == site.module), {})
    row = row.with_settings({k: v for k, v in settings.items() if k in row.settings})
    source = known.get(site.inputs[0]) if len(site.inputs) == 1 and site.straight else None
    told = source.stats.quantiles if source else {}
    quantiles = tuple((float(key), value) for key, value in told.items() if value is not None)
    units = site.per_unit
    ends = [*(units.input_min if units else ()), *(units.input_max if units else ())]
    seen = [*_finite(ends), *_finite(value for _, value in quantiles)]
    if not seen or len(_finite(told.values())) != len(told):
        return None
    quantiles = quantiles or tuple(_undone(row, site, min(seen), max(seen)))
    return _Use(site, row, quantiles, min(seen), max(seen))


def _undone(
    row: ActivationFunction, site: Site, low: float, high: float
) -> Iterator[tuple[float, float]]:
    """Quantiles of what went in from those of what came out, where the function only rises."""

    def value(x: float) -> float:
        return float(row.value(x, functions.scalar, **row.settings))

    steps = [value(low + (high - low) * index / _POINTS) for index in range(_POINTS + 1)]
    if any(after <= before for before, after in pairwise(steps)):
        return
    told = [(float(level), at) for level, at in site.stats.quantiles.items() if at is not None]
    for level, wanted in told:
        left, right = low, high
        for _ in range(60):  # halvings: beyond a float's digits
            middle = (left + right) / 2
            left, right = (left, middle) if value(middle) >= wanted else (middle, right)
        yield level, right


_ELEMENTWISE = frozenset(
    row.name for row in functions.ALL if row.elementwise and row.name not in {"linear", "identity"}
)


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _panel(axis: Axes, use: _Use, palette: Palette) -> None:
    low, high = _window(use)
    xs = [low + (high - low) * index / _POINTS for index in range(_POINTS + 1)]
    ys = [float(use.row.value(x, functions.scalar, **use.row.settings)) for x in xs]
    spread = axis.twinx()
    spread.set_yticks([])
    spread.set_axis_off()
    axis.set_zorder(spread.get_zorder() + 1)
    for left, right, density in _densities(use):
        spread.fill_between(
            [left, right], [density, density], color=palette.second, alpha=0.35, lw=0
        )
    spread.set_ylim(0, 2.2 * max((density for *_, density in _densities(use)), default=1))
    axis.plot(xs, ys, color=palette.first, linewidth=1.8)
    axis.hlines(0, low, high, color=palette.muted, linewidth=0.6)
    if low < 0 < high:
        axis.axvline(0, color=palette.muted, linewidth=0.6)
    axis.set_xlim(low, high)
    axis.set_title(f"{short(use.site.name, 24)} ({use.row.title})")
    axis.set_xlabel(_told(use), fontsize=8)


def _told(use: _Use) -> str:
    """The range of what went in, and what the function made of it where that is a loss."""
    stats = use.site.stats
    lost = [
        f"{percent(share)} {word}"
        for share, word in (
            (stats.zero_fraction, "of outputs 0"),
            (stats.saturated_fraction, "saturated"),
        )
        if share
    ]
    span = f"{number(use.low)} to {number(use.high)}".replace("-", "−")
    return ", ".join([f"input {span}", *lost])


def _window(use: _Use) -> tuple[float, float]:
    """Nine tenths of what went in and the part of the function that matters, if that is wider."""
    most = [value for level, value in use.quantiles if _RARE <= level <= 1 - _RARE]
    inner = most or [use.low, use.high]
    low, high = min(*inner, -3.0), max(*inner, 3.0)
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _densities(use: _Use) -> list[tuple[float, float, float]]:
    """Left, right and height of each bar: the share between two quantiles over their distance."""
    least = (max(use.high - use.low, 1e-9)) * 1e-3
    return [
        (left, max(right, left + least), (after - before) / max(right - left, least))
        for (before, left), (after, right) in zip(use.quantiles, use.quantiles[1:], strict=False)
    ]
