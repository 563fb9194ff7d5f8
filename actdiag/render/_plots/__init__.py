"""The figures of a report, for the HTML page and as PNG files. matplotlib is imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._plots import attention, functions, network, reliability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import Report
    from actdiag.render._plots.canvas import Drawing, Palette

__all__ = ["drawings"]


def drawings(report: Report, palette: Palette) -> Iterator[Drawing]:
    """Yield every figure that the report has numbers for: the network, then the output, ...

    Args:
        report: what is drawn.
        palette: the colours to draw with.
    """
    for room in (network, reliability, attention, functions):
        drawing = room.draw(report, palette)
        if drawing is not None:
            yield drawing
