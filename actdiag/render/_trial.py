"""What came of trying remedies, as a page of text or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._terminal.page import Page, laid_out
from actdiag.render._terminal.trial import notes, opening, untried, verdicts
from actdiag.render.json import written

if TYPE_CHECKING:
    from actdiag.records import Trial
    from actdiag.render import Display


def render(name: str, trial: Trial, display: Display) -> str:
    """Return the trial as ``text``, fitted to the display, or as ``json``."""
    if name == "json":
        return written(trial.to_json())
    page = Page.of(display.width, unicode=display.unicode)
    sections = opening, verdicts, untried, notes
    parts = (part for section in sections for part in section(trial, page))
    return laid_out(parts, page, color=display.color)
