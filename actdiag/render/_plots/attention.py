"""How widely each attention head looks: its entropy, layer by layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag.render._plots.canvas import Drawing, Palette, styled
from actdiag.render._plots.names import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from actdiag.records import Report, Site

_LAYERS = 48  # our choice, as is the number of heads: cells must stay large enough to read
_HEADS = 64
_WRITTEN = 160  # cells up to which each one's number is written into it
_NAME = 28  # characters beside the grid
_SHADES = 20  # few enough that matplotlib draws the scale as shapes, not as an image
_CAPTION = (
    "One row a layer, one column a head: 0 is a head that looks at a single position, 1 one that "
    "looks at all alike. A few heads at either end are common; a whole row of them is not."
)


def draw(report: Report, palette: Palette) -> Drawing | None:
    """Draw the heads; null without attention that could be measured."""
    sites = [site for site in report.scan.sites if site.attention and site.attention.entropy]
    if not sites:
        return None
    sites = sites[:: math.ceil(len(sites) / _LAYERS)]
    rows = [_entropies(site) for site in sites]
    heads = max(map(len, rows))
    grid = [row + [math.nan] * (heads - len(row)) for row in rows]
    with styled(palette):
        from matplotlib import colormaps
        from matplotlib.figure import Figure

        size = (min(2.9 + 0.55 * heads, 14), min(1.5 + 0.34 * len(grid), 14))
        figure = Figure(figsize=size, layout="constrained")
        axis = figure.subplots()
        mesh = axis.pcolormesh(grid, vmin=0, vmax=1, cmap=colormaps["cividis"].resampled(_SHADES))
        axis.set_yticks([y + 0.5 for y in range(len(grid))], [_name(site) for site in sites])
        axis.set_xticks([x + 0.5 for x in range(heads)], [str(x) for x in range(heads)])
        axis.set_xlabel("head")
        axis.invert_yaxis()
        if heads * len(grid) <= _WRITTEN:
            _numbers(axis, grid)
        figure.colorbar(mesh, ax=axis, label="entropy / log(keys)", ticks=[0, 0.5, 1])
    return Drawing("attention", "Attention entropy per head", _CAPTION, figure)


def _entropies(site: Site) -> list[float]:
    heads = site.attention.entropy[:_HEADS] if site.attention else ()
    return [math.nan if value is None else value for value in heads]


def _name(site: Site) -> str:
    """The module's name: all of these are attention; a later call of it keeps its number."""
    _, hash_, call = site.name.rpartition("#")
    name = short(site.module or site.name, _NAME)
    return f"{name}#{call}" if hash_ and site.module else name


def _numbers(axis: Axes, grid: list[list[float]]) -> None:
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            if math.isfinite(value):
                ink = "#000000" if value >= 0.5 else "#ffffff"  # noqa: PLR2004 - of the colour map
                axis.text(x + 0.5, y + 0.5, f"{value:.2f}", ha="center", va="center", color=ink)
