"""The figures of the HTML page as PNG files, for papers and slides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._plots import drawings
from actdiag.render._plots.canvas import PAPER, png

if TYPE_CHECKING:
    from actdiag.records import Report


def files(report: Report) -> dict[str, bytes]:
    """Return the files by name; figures that the report has no numbers for are left out."""
    return {f"{drawing.name}.png": png(drawing) for drawing in drawings(report, PAPER)}
