"""The table of layers: one row a site, in the order of the forward pass, with small bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from actdiag.records import Role
from actdiag.render._terminal.columns import columns_for
from actdiag.render._terminal.page import MARKS, STRONG, STYLES, Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from actdiag.records import Report, Severity, Site

_MOST = 24  # rows; our choice: a table that fits a screen beside its heading


def layers(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield the table, folded to the rows that tell most where there are too many."""
    sites = report.scan.sites
    if not sites:
        return
    marked = _marked(report)
    shown = _interesting(sites, marked)
    yield page.heading("LAYERS")
    yield _table(shown, marked, page)
    if len(shown) < len(sites):
        more = len(sites) - len(shown)
        yield page.text(f"  +{more:,} more layer{'s' * (more > 1)}, --format json has all")


def _marked(report: Report) -> dict[str, Severity]:
    """The severity of the worst finding at each site."""
    marked: dict[str, Severity] = {}
    for finding in sorted(report.findings, key=lambda f: -f.severity.rank):
        if finding.site:
            marked[finding.site] = finding.severity
    return marked


def _interesting(sites: tuple[Site, ...], marked: dict[str, Severity]) -> list[Site]:
    if len(sites) <= _MOST:
        return list(sites)

    def dullness(index: int) -> tuple[bool, int, bool, float]:
        site = sites[index]
        rank = marked[site.name].rank if site.name in marked else len(MARKS)
        end = index == 0 or site.is_final
        return not end, rank, site.role is not Role.ACTIVATION, -_share(site)

    best = sorted(range(len(sites)), key=dullness)[:_MOST]
    return [sites[index] for index in sorted(best)]


def _share(site: Site) -> float:
    stats = site.stats
    dead = (stats.dead_units or 0) / site.units if site.units else 0.0
    return max(dead, stats.saturated_fraction or 0.0, (stats.zero_fraction or 0.0) / 2)


def _table(sites: list[Site], marked: dict[str, Severity], page: Page) -> Table:
    columns = columns_for(sites, page)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="")
    table.add_column("", width=1)
    for column in columns:
        title = page.text((column.title, STRONG))
        table.add_column(title, justify=column.justify, width=column.width, no_wrap=True)
    for site in sites:
        severity = marked.get(site.name)
        mark, style = (MARKS[severity], STYLES[severity]) if severity else ("", "")
        cells = (page.text((c.cell(site, c.width, page), style)) for c in columns)
        table.add_row(Text(page.clean(mark), style), *cells)
    return table
