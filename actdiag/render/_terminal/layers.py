"""The table of layers: one row a site, in the order of the forward pass, with small bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from actdiag.render._facts import MARKS
from actdiag.render._gated import gated_lines
from actdiag.render._layers import marked, most_telling
from actdiag.render._terminal.columns import columns_for
from actdiag.render._terminal.page import STRONG, STYLES, Page

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
    found = marked(report.findings)
    shown = most_telling(sites, found, _MOST)
    yield page.heading("LAYERS")
    yield _table(shown, found, page)
    if len(shown) < len(sites):
        more = len(sites) - len(shown)
        yield page.text(f"  +{more:,} more layer{'s' * (more > 1)}, --format csv lists all")
    if report.scan.gated:
        yield page.rows([(page.text("gated"), page.text(line)) for line in gated_lines(report)])


def _table(sites: list[Site], found: dict[str, Severity], page: Page) -> Table:
    columns = columns_for(sites, page)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="")
    table.add_column("", width=1)
    for column in columns:
        title = page.text((column.title, STRONG))
        table.add_column(title, justify=column.justify, width=column.width, no_wrap=True)
    for site in sites:
        severity = found.get(site.name)
        mark, style = (MARKS[severity], STYLES[severity]) if severity else ("", "")
        cells = (page.text((c.cell(site, c.width, page), style)) for c in columns)
        table.add_row(Text(page.clean(mark), style), *cells)
    return table
