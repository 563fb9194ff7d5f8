"""One self-contained page: no network, no script needed, light and dark, small enough to mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._documentation import reports_documented
from actdiag.render._html.page import page
from actdiag.render._html.shell import document
from actdiag.render._plots import drawings
from actdiag.render._plots.canvas import MARKERS, svg
from actdiag.render._story import headline

if TYPE_CHECKING:
    from typing import Any

    from actdiag.records import Report

_DRAWN = 300_000  # bytes of figures that leave room for the words under a megabyte
_WORDS = 750_000  # and 100,000 for the documentation of all rules
_SMALL = ("reliability", "attention")


def render(report: Report, *more: Report) -> str:
    """Return the page; several models share it, with figures and details as far as they fit.

    The same reports give the same page, byte for byte. Nothing in a report is read as markup, and
    the page's own policy lets no script run but the one that sorts the table of layers.
    """
    reports = (report, *more)
    title = headline(report)[0] if not more else f"{len(reports):,} models"
    rules = reports_documented(reports)
    return document("page.html.j2", title, report.scan.tool, rules, pages=_pages(reports))


def _pages(reports: tuple[Report, ...]) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = []
    drawn, told = _DRAWN, _WORDS // len(reports)
    for report in reports:
        figures, drawn = _figures(report, drawn, len(pages) + 1)
        told_of = {**page(report, told), "figures": figures, "number": len(pages) + 1}
        pages.append({**told_of, "contents": _contents(told_of)})
    return pages


def _contents(told: dict[str, Any]) -> list[dict[str, str]]:
    """The sections of a report, in order, by what their names begin with."""
    parts = [(f"diagnosis-{at}", each["title"]) for at, each in enumerate(told["diagnoses"], 1)]
    if told["findings"]:
        parts.append(("findings", "Other findings" if parts else "Findings"))
    parts += [(each["name"], each["title"]) for each in told["figures"]]
    parts += [("layers", "Layers")] * bool(told["layers"])
    return [{"id": name, "title": title} for name, title in (*parts, ("coverage", "Coverage"))]


def _figures(report: Report, room: int, number: int) -> tuple[list[dict[str, Any]], int]:
    """The figures as far as they fit, and the room that is left: none once one did not fit."""
    figures: list[dict[str, Any]] = []
    for drawing in drawings(report, MARKERS) if room > 0 else ():
        image = svg(drawing, number)
        room -= len(image)
        if room < 0:
            return figures, 0
        figures.append(
            {
                "name": drawing.name,
                "title": drawing.title,
                "caption": drawing.caption,
                "small": drawing.name in _SMALL,
                "svg": image,
            }
        )
    return figures, room
