"""Text from anywhere as Markdown: nothing in it is markup, a mention, a link or a cell's end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actdiag.render._findings import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|:(?=\w)")
_STARTING = re.compile(r"(?:[-+=#]|\d+(?=[.)]))")  # begins a list, a heading, a line
_MENTION = re.compile(r"([@#])(?=\w)")
_BACKTICKS = re.compile("`+")
_SPLIT = "<!-- -->"  # shows nothing and keeps what stands around it from being read as one word


def text(value: str) -> str:
    """Return inline Markdown that shows the text as it is, on one line."""
    safe = line_of(value).strip()
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _SPECIAL.sub(r"\\\g<0>", safe)
    if begins := _STARTING.match(safe):
        at = begins.end() if safe[0].isdecimal() else 0
        safe = f"{safe[:at]}\\{safe[at:]}"
    return _MENTION.sub(rf"\1{_SPLIT}", safe).replace("www.", f"www{_SPLIT}.")


def code(value: str) -> str:
    """Return a code span that shows the text as it is."""
    shown = line_of(value, 300)
    if not shown.strip():
        return "` `"
    fence = "`" * (max(map(len, _BACKTICKS.findall(shown)), default=0) + 1)
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"


def cell_code(value: str) -> str:
    """Return the same for a cell of a table, which a bar ends unless a backslash stands before it.

    Parsers differ over two backslashes and a bar in a code span, so such text is none.
    """
    shown = line_of(value, 300)
    return text(shown) if "\\|" in shown else code(shown).replace("|", "\\|")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def folded(summary: str, content: str) -> str:
    """Return a block that opens on a click; the summary is plain words of our own."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n</details>\n"
