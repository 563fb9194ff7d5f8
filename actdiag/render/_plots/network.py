"""The map of the network by depth: values, dead and saturated shares, slope and signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.records import Severity
from actdiag.render._layers import dead_share, marked, most_telling
from actdiag.render._plots.canvas import Drawing, Palette, plain_logarithms, styled
from actdiag.render._plots.names import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matplotlib.axes import Axes

    from actdiag.records import Report, Site

    Value = Callable[[Site], float | None]

_SITES = 120  # columns; our choice: what a wide page can tell apart
_LABELS = 40
_ROUNDING = 1e-10  # of the largest; our choice, of float32's squared
_NAME = 22  # characters of a name under the axis
_CAPTION = (
    "Layers in forward order from left to right; a shaded column is a layer with a finding. "
    "In a healthy network the bands neither shrink to nothing nor grow from layer to layer, and "
    "the shares stay low. Mean² and variance are those of a channel, averaged over channels "
    "(Brock et al. 2021)."
)


def draw(report: Report, palette: Palette) -> Drawing | None:
    """Draw the map; null without sites."""
    found = marked(report.findings)
    sites = most_telling(report.scan.sites, found, _SITES)
    if not sites:
        return None
    with styled(palette):
        from matplotlib.figure import Figure

        width = min(max(8.6, 0.26 * len(sites) + 2), 12)
        figure = Figure(figsize=(width, 8.6), layout="constrained")
        axes = figure.subplots(4, 1, sharex=True, height_ratios=(3, 2, 1.4, 2.2))
        _band(axes[0], sites, palette)
        _shares(axes[1], sites, palette)
        _slope(axes[2], sites, palette)
        _signal(axes[3], sites, palette)
        for axis in axes:
            _columns(axis, sites, found, palette)
        _names(axes[-1], sites, found)
    return Drawing("network", "The network by depth", _CAPTION, figure)


def _band(axis: Axes, sites: list[Site], palette: Palette) -> None:
    axis.set_title("Values of each layer: 1 to 99 %, 25 to 75 %, median")
    at: dict[str, list[float]] = {
        key: [_finite(site.stats.quantiles.get(key)) for site in sites]
        for key in ("0.01", "0.25", "0.5", "0.75", "0.99")
    }
    if not any(math.isfinite(value) for values in at.values() for value in values):
        _nothing(axis, palette, "no quantiles were measured")
        return
    x = range(len(sites))
    axis.vlines(x, at["0.01"], at["0.99"], color=palette.first, linewidth=1.6, alpha=0.55)
    axis.vlines(x, at["0.25"], at["0.75"], color=palette.first, linewidth=6)
    axis.plot(x, at["0.5"], "_", color=palette.ink, markersize=9, markeredgewidth=1.6)
    _symmetric_log(axis, [value for values in at.values() for value in values])


def _symmetric_log(axis: Axes, values: Iterable[float]) -> None:
    """Logarithmic on both sides where the values differ by more than a plain axis can show."""
    sizes = sorted(abs(value) for value in values if value and math.isfinite(value))
    if sizes and sizes[-1] > 30 * sizes[len(sizes) // 2]:  # our choice
        linear = max(sizes[len(sizes) // 2], sizes[-1] * 1e-9)
        axis.set_yscale("symlog", linthresh=linear)
        ticks = [tick for tick in axis.get_yticks() if tick == 0 or abs(tick) > linear]
        axis.set_yticks(ticks)  # those between would stand on top of the 0
        plain_logarithms(axis.yaxis)


def _shares(axis: Axes, sites: list[Site], palette: Palette) -> None:
    axis.set_title("Shares")
    _series(axis, sites, lambda site: site.stats.zero_fraction, palette.muted, "zeros", ".")
    _series(axis, sites, dead_share, palette.bad, "dead units", "x")
    _series(axis, sites, lambda s: s.stats.saturated_fraction, palette.third, "saturated", "^")
    axis.set_ylim(-0.05, 1.05)
    axis.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    _legend(axis, 3)


def _slope(axis: Axes, sites: list[Site], palette: Palette) -> None:
    axis.set_title("Mean slope of the activation functions")
    _series(axis, sites, lambda site: site.stats.mean_slope, palette.second, "", "D")
    low, high = axis.get_ylim()
    axis.set_ylim(min(0, low), 1.15 * high)
    if not any(site.stats.mean_slope is not None for site in sites):
        _nothing(axis, palette, "no activation function with a slope was seen")


def _signal(axis: Axes, sites: list[Site], palette: Palette) -> None:
    axis.set_title("Signal of a channel, on average")
    seen = [value(site) or 0.0 for value in (_mean_square, _variance) for site in sites]
    least = _ROUNDING * max(seen, default=0.0)
    for height, value, color, label, marker in (
        (0.14, _mean_square, palette.second, "mean²", "s"),
        (0.06, _variance, palette.first, "variance", "o"),
    ):
        _series(axis, sites, _above(least, value), color, label, marker)
        zeros = [index for index, site in enumerate(sites) if _is_zero(value(site), least)]
        if zeros:
            at = [height] * len(zeros)
            axis.plot(
                zeros,
                at,
                "v",
                color=color,
                label=f"{label} 0",
                transform=axis.get_xaxis_transform(),
            )
    if any((_variance(site) or 0) > 0 or (_mean_square(site) or 0) > 0 for site in sites):
        axis.set_yscale("log")
        plain_logarithms(axis.yaxis)
        _legend(axis, 4)
    else:
        _nothing(axis, palette, "nothing above 0 was seen")


def _above(least: float, value: Value) -> Value:
    return lambda site: None if _is_zero(value(site), least) else value(site)


def _is_zero(measured: float | None, least: float) -> bool:
    """A mean that a normalisation took away is the rounding that it left."""
    return measured is not None and measured <= least


def _legend(axis: Axes, columns: int) -> None:
    """Put the legend in the line of the title, at its right."""
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=columns, borderaxespad=0)


def _series(
    axis: Axes, sites: list[Site], value: Value, color: str, label: str, marker: str
) -> None:
    """Plot what the sites have a number for, joined by a line."""
    pairs = [(index, value(site)) for index, site in enumerate(sites)]
    known = [(index, y) for index, y in pairs if y is not None and math.isfinite(y)]
    xs, ys = [index for index, _ in known], [y for _, y in known]
    if known:
        label = label or "_"  # matplotlib leaves such names out of legends
        axis.plot(xs, ys, marker=marker, markersize=4, linewidth=1, color=color, label=label)


def _mean_square(site: Site) -> float | None:
    values = site.per_unit.mean if site.per_unit else (site.stats.mean,)
    return _average_square(values)


def _variance(site: Site) -> float | None:
    values = site.per_unit.std if site.per_unit else (site.stats.std,)
    return _average_square(values)


def _average_square(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    scale = max(map(abs, known), default=0.0)
    if not known or scale == 0:
        return 0.0 if known else None
    average = math.fsum((value / scale) ** 2 for value in known) / len(known)
    return min(average * scale * scale, 1e300)


def _columns(axis: Axes, sites: list[Site], found: dict[str, Severity], palette: Palette) -> None:
    axis.grid(visible=True, axis="y", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_xlim(-0.7, len(sites) - 0.3)
    for index, site in enumerate(sites):
        if found.get(site.name, Severity.INFO) is not Severity.INFO:
            axis.axvspan(index - 0.5, index + 0.5, color=palette.bad, alpha=0.12, linewidth=0)


def _names(axis: Axes, sites: list[Site], found: dict[str, Severity]) -> None:
    step = math.ceil(len(sites) / _LABELS)
    shown = [
        index
        for index, site in enumerate(sites)
        if index % step == 0 or (step > 1 and found.get(site.name) is Severity.ERROR)
    ]
    if len(shown) > 2 * _LABELS:
        shown = shown[:: math.ceil(len(shown) / _LABELS)]
    names = [short(sites[index].name, _NAME) for index in shown]
    room = 60 / len(sites)  # characters side by side
    crowded = max(map(len, names), default=0) > room * step
    axis.set_xticks(shown, names, fontsize=8, rotation=90 if crowded else 0)


def _nothing(axis: Axes, palette: Palette, why: str) -> None:
    axis.set_yticks([])
    axis.text(
        0.5, 0.5, why, transform=axis.transAxes, ha="center", va="center", color=palette.muted
    )


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan
