"""Activation functions as they were used: the curve, and what went in under it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.render._plots.canvas import Drawing, Palette, styled
from actdiag.render._plots.names import short
from actdiag.render._plots.uses import POINTS, worst
from actdiag.render._words import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from actdiag.records import Report
    from actdiag.render._plots.uses import Use

_MOST = 6  # panels; our choice: the worst layers tell, the table has all
_RARE = 0.05  # our choice: of a long tail the range is told
_CAPTION = (
    "The line is the function; the bars beneath are how the values that went in are spread, from "
    "their quantiles. Values that sit where the line is flat let no gradient through."
)


def draw(report: Report, palette: Palette) -> Drawing | None:
    """Draw up to six layers, the worst first; null without a function whose input is known."""
    uses = worst(report, _MOST)
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


def _panel(axis: Axes, use: Use, palette: Palette) -> None:
    low, high = _window(use)
    xs = [low + (high - low) * index / POINTS for index in range(POINTS + 1)]
    ys = [use.value(x) for x in xs]
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


def _told(use: Use) -> str:
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


def _window(use: Use) -> tuple[float, float]:
    """Nine tenths of what went in and the part of the function that matters, if that is wider."""
    most = [value for level, value in use.quantiles if _RARE <= level <= 1 - _RARE]
    inner = most or [use.low, use.high]
    low, high = min(*inner, -3.0), max(*inner, 3.0)
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _densities(use: Use) -> list[tuple[float, float, float]]:
    """Left, right and height of each bar: the share between two quantiles over their distance."""
    least = (max(use.high - use.low, 1e-9)) * 1e-3
    return [
        (left, max(right, left + least), (after - before) / max(right - left, least))
        for (before, left), (after, right) in zip(use.quantiles, use.quantiles[1:], strict=False)
    ]
