"""The report for a terminal: the verdict first, then why and what to do, then the numbers."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from actdiag.render._terminal.coverage import coverage
from actdiag.render._terminal.diagnoses import diagnoses
from actdiag.render._terminal.findings import findings
from actdiag.render._terminal.layers import layers
from actdiag.render._terminal.opening import opening
from actdiag.render._terminal.page import TIE, Page

if TYPE_CHECKING:
    from actdiag.records import Report

FITS_DISPLAY = True
_NARROWEST = 40
_TRAILING = re.compile(r" +(?=(?:\x1b\[0m)? *$)", re.MULTILINE)


def render(
    report: Report, *, width: int | None = None, color: bool = False, unicode: bool = True
) -> str:
    """Return the report as lines of at most ``width`` cells (80 unless told, 40 at least).

    Args:
        report: what to tell.
        width: of the terminal, in character cells.
        color: write ANSI escape sequences.
        unicode: false keeps to ASCII, data included.
    """
    page = Page(max(width or 80, _NARROWEST), unicode)
    stream = StringIO()
    console = Console(
        file=stream,
        width=page.width,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},  # what the environment says is the command line's to read
    )
    for section in (opening, diagnoses, findings, layers, coverage):
        for part in section(report, page):
            console.print(part)
    return _TRAILING.sub("", stream.getvalue().replace(TIE, " "))
