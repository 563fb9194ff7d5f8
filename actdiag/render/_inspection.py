"""What a model file is, as a page of text or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._terminal.activations import gated, places
from actdiag.render._terminal.file import facts, notes
from actdiag.render._terminal.page import Page, laid_out
from actdiag.render._terminal.parameters import parameters
from actdiag.render._terminal.tree import tree
from actdiag.render.json import written

if TYPE_CHECKING:
    from actdiag.records import Inspection
    from actdiag.render import Display


def render(name: str, found: Inspection, display: Display) -> str:
    """Return the inspection as ``text``, fitted to the display, or as ``json``."""
    if name == "json":
        return written(found.to_json())
    page = Page.of(display.width, unicode=display.unicode)
    sections = facts, parameters, places, gated, tree, notes
    parts = (part for section in sections for part in section(found, page))
    return laid_out(parts, page, color=display.color)
