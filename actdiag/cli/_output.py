"""What goes to stdout, fitted to the terminal if that is one."""

from __future__ import annotations

import sys
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console

from actdiag import render
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from actdiag.records import Report


def print_report(name: str, *reports: Report) -> None:
    """Print the reports in that format to stdout, fitted to the terminal if that is one."""
    write_out(render.render_all(name, reports, display()))


def write_out(text: str) -> None:
    """Write text to stdout, as UTF-8 whatever the locale: it is ASCII where that can't be shown.

    Raises:
        UsageError: nothing can be written there, for want of space perhaps.
        BrokenPipeError: the reader is gone.
    """
    try:
        _write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = "Make room, or send it elsewhere."
        raise UsageError(f"cannot write to stdout: {error.strerror}", hint=hint) from None


def _write(text: str) -> None:
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        stream.write(text.encode())
    sys.stdout.flush()


def wrapped(text: str, start: str = "", *, most: int = 100) -> str:
    """Return paragraphs wrapped to what stdout can show, the first line after ``start``."""
    shown = display()
    width = max(min(shown.width, most), len(start) + 20)
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(
        fill(
            render.clean(("" if index else start) + part, unicode=shown.unicode),
            width,
            subsequent_indent=" " * len(start),
            break_on_hyphens=False,
        )
        for index, part in enumerate(paragraphs)
    )


def display() -> render.Display:
    """Return what stdout can show, by NO_COLOR, FORCE_COLOR, TERM, COLUMNS and its encoding."""
    console = Console()
    colored = console.color_system is not None and not console.no_color
    return render.Display(
        width=console.width,
        color=colored and not console.legacy_windows,
        unicode=console.encoding.lower().replace("-", "").startswith("utf"),
    )
