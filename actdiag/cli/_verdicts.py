"""The lines of ``actdiag check``: as they are in a pipe, wrapped and in colour in a terminal."""

from __future__ import annotations

import sys
from textwrap import fill
from typing import TYPE_CHECKING

import typer

from actdiag import render
from actdiag.cli._output import display

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLOURS = {"✓": "green", "✗": "red", "?": "yellow"}
_BESIDE = 4  # cells by which what is wrapped stands in


def verdicts(lines: Iterable[str]) -> str:
    """The lines as text for stdout, in a terminal wrapped between words."""
    shown = display()
    width = shown.width if sys.stdout.isatty() else None
    return "".join(f"{_line(line, width, shown)}\n" for line in lines)


def _line(line: str, width: int | None, shown: render.Display) -> str:
    text = render.clean(line, unicode=shown.unicode)
    if width is not None:
        text = fill(
            text,
            width,
            subsequent_indent=" " * _BESIDE,
            break_long_words=False,
            break_on_hyphens=False,
        )
    colour = _COLOURS.get(line[:1])
    if colour is None or not shown.color:
        return text
    model, colon, rest = text.partition(": ")
    return f"{typer.style(model, fg=colour, bold=colour == 'red')}{colon}{rest}"
