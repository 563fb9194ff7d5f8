"""The columns of the table of layers, and which of them fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len, set_cell_size

from actdiag.render._terminal.bars import bar
from actdiag.render._words import number, percent, source_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.records import Site
    from actdiag.render._terminal.page import Page

_NAME_LEAST = 16
_WIDE = 110  # from this width on, shapes and the source line are shown
_BAR_MOST = 8  # cells a bar may grow by where there is room


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``needed`` orders what is left out first (the highest) on a narrow page."""

    title: str
    width: int
    needed: int
    cell: Callable[[Site, int, Page], str]
    applies: Callable[[Site], bool] = lambda _: True
    justify: Literal["left", "right"] = "left"
    bar: bool = False


def columns_for(sites: list[Site], page: Page) -> list[Column]:
    """Return the columns that some site fills and that fit; the name takes what room is left."""
    wide = page.width >= _WIDE
    kind = max((cell_len(page.clean(_kind(site))) for site in sites), default=0)
    columns = [c for c in _columns(kind, wide=wide) if any(map(c.applies, sites))]
    longest = max((cell_len(page.clean(site.name)) for site in sites), default=0)
    while _room(columns, page) < min(longest, _NAME_LEAST) and len(columns) > 1:
        columns.remove(max(columns, key=lambda column: column.needed))
    room = _room(columns, page)
    width = max(min(room, longest), len("layer"))
    bars = sum(column.bar for column in columns)
    longer = min((room - width) // bars, _BAR_MOST) if bars else 0
    columns = [replace(c, width=c.width + longer) if c.bar else c for c in columns]
    return [replace(columns[0], width=width), *columns[1:]]


def _room(columns: list[Column], page: Page) -> int:
    return page.width - 2 - sum(column.width + 1 for column in columns[1:])


def _columns(kind: int, *, wide: bool) -> list[Column]:
    """All of them, the kind of a layer no wider than the widest one there is."""
    what = min(20 if wide else 9, max(kind, 4))
    columns = [
        Column("layer", 0, 0, lambda site, width, page: page.short(site.name, width)),
        Column("what", what, 5, _what),
        Column("shape" if wide else "units", 14 if wide else 5, 6, _shape, justify="right"),
        Column("mean", 7, 8, lambda s, *_: _value(s, s.stats.mean), justify="right"),
        Column("std", 7, 7, lambda s, *_: _value(s, s.stats.std), justify="right"),
        Column("zeros", 8, 3, _zeros, bar=True),
        Column("dead", 10, 1, _dead, lambda s: s.stats.dead_units is not None, bar=True),
        Column("saturated", 9, 2, _saturated, _can_saturate, bar=True),
    ]
    source = Column("source", 24, 9, _source, lambda s: s.source is not None)
    return [*columns, source] if wide else columns


def _kind(site: Site) -> str:
    return site.function or str(site.role)


def _what(site: Site, width: int, page: Page) -> str:
    text = page.clean(_kind(site))
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + page.clean("…")[:1]


def _shape(site: Site, width: int, page: Page) -> str:
    if width > 5:  # noqa: PLR2004 - the wide form
        return page.crop("×".join(map(str, site.shape[1:])), width)
    return page.crop("–" if site.units is None else str(site.units), width)


def _value(site: Site, value: float | None) -> str:
    return "nan/inf" if value is None and site.stats.nonfinite else number(value, digits=2)


def _source(site: Site, width: int, page: Page) -> str:
    return page.crop(source_line(site.source), width)


def _zeros(site: Site, width: int, page: Page) -> str:
    return _share(site.stats.zero_fraction, width, page)


def _saturated(site: Site, width: int, page: Page) -> str:
    return _share(site.stats.saturated_fraction, width, page)


def _can_saturate(site: Site) -> bool:
    return site.stats.saturated_fraction is not None


def _dead(site: Site, width: int, page: Page) -> str:
    dead, units = site.stats.dead_units, site.units
    if dead is None or not units:
        return ""
    amount = page.crop(f"{dead}/{units}", 7)
    return bar(dead / units, width - 8, unicode=page.unicode) + amount.rjust(8)


def _share(fraction: float | None, width: int, page: Page) -> str:
    if fraction is None:
        return ""
    return bar(fraction, width - 6, unicode=page.unicode) + percent(fraction).rjust(6)
