"""Parameters by kind of layer, with small bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table

from actdiag.render._terminal.bars import bar
from actdiag.render._words import count, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from actdiag.records import Inspection
    from actdiag.render._terminal.page import Page

_BAR = 20
_NUMBERS = 50  # cells that the other columns take at most


def parameters(found: Inspection, page: Page) -> Iterator[RenderableType]:
    """Yield how many layers of each kind there are and how many parameters they hold."""
    if not found.kinds:
        return
    yield page.heading("PARAMETERS")
    length = max(0, min(_BAR, page.width - _NUMBERS))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="crop")
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True, overflow="crop")
    table.add_column(no_wrap=True, overflow="crop")
    for kind in found.kinds:
        share = kind.parameters / found.parameters if found.parameters else 0.0
        cells = (
            kind.kind,
            count(kind.layers, "layer"),
            f"{kind.parameters:,}",
            percent(share) if kind.parameters else "",
            bar(share, length, unicode=page.unicode),
        )
        table.add_row(*(page.text(cell) for cell in cells))
    yield Padding(table, (0, 0, 0, 2))
