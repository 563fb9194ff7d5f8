"""The report for a terminal: the verdict first, then why and what to do, then the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._terminal.coverage import coverage
from actdiag.render._terminal.diagnoses import diagnoses
from actdiag.render._terminal.file import proposed
from actdiag.render._terminal.findings import explained, findings
from actdiag.render._terminal.layers import layers
from actdiag.render._terminal.opening import opening
from actdiag.render._terminal.page import Page, laid_out

if TYPE_CHECKING:
    from actdiag.records import Report

FITS_DISPLAY = True


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
    page = Page.of(width, unicode=unicode)
    sections = opening, diagnoses, findings, explained, layers, coverage
    parts = [part for section in sections for part in section(report, page)]
    return laid_out((*parts, *proposed(report.scan.model.proposal, page)), page, color=color)
