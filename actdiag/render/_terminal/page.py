"""The page the terminal report is laid out on: its width, its glyphs, its few styles.

Only the sixteen colours that a terminal's own theme chooses are used, never white, yellow, cyan or
dim, so that everything reads on light and on dark; nothing is said by colour alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Self

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from actdiag.records import Severity
from actdiag.render._facts import MARKS
from actdiag.render._words import clean, defused, name_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold magenta", Severity.INFO: "bold"}
GOOD = "bold green"
BAD = "bold red"
STRONG = "bold"
SIGNS = {"✓": GOOD, "?": BAD} | {MARKS[severity]: STYLES[severity] for severity in Severity}

Part = str | tuple[str, str]

TIE = "\ue000"  # stands for a space that no line may break at; cleaned text never holds it
_PERCENT = re.compile(r"(?<=\d) (?=%)")
_NARROWEST = 40
_TRAILING = re.compile(r" +(?=(?:\x1b\[0m)? *$)", re.MULTILINE)
_TELLING = 6  # cells of a name's last part that still tell something
_LONGEST = 1000  # characters of one text; our choice: twelve lines of a narrow terminal


@dataclass(frozen=True, slots=True)
class Page:
    """How wide, in character cells, and whether more than ASCII can be shown."""

    width: int
    unicode: bool

    @classmethod
    def of(cls, width: int | None, *, unicode: bool) -> Self:
        """Return a page of that width: 80 unless told, 40 at least."""
        return cls(max(width or 80, _NARROWEST), unicode)

    def clean(self, text: str) -> str:
        """Return text from anywhere, made safe to print here, numbers tied to their per cent."""
        if len(text) > _LONGEST:
            text = text[:_LONGEST] + "…"
        return _PERCENT.sub(TIE, clean(defused(text), unicode=self.unicode))

    def text(self, *parts: Part) -> Text:
        """Join plain and ``(text, style)`` parts; never reads markup out of them."""
        joined = Text()
        for part in parts:
            content, style = (part, "") if isinstance(part, str) else part
            joined.append(self.clean(content), style=style)
        return joined

    def heading(self, title: str) -> Text:
        """Return a section's title, drawn out to the width of the page by a line."""
        text = Text("\n") + self.text((title, STRONG))
        room = self.width - cell_len(self.clean(title)) - 1
        return text + self.text(" " + "─" * room) if room > 0 else text

    def rows(self, rows: Sequence[tuple[Text, ...]], *, indent: int = 2) -> Padding:
        """Lay rows out in columns: all but the last as wide as needed, the last one wraps."""
        columns = max(len(row) for row in rows)
        table = Table.grid(padding=(0, 1, 0, 0))
        for index in range(columns):
            last = index == columns - 1
            table.add_column(no_wrap=not last, overflow="fold", ratio=1 if last else None)
        for row in rows:
            table.add_row(*row)
        return Padding(table, (0, 0, 0, indent))

    def crop(self, text: str, cells: int) -> str:
        """Shorten to ``cells`` from the left: the end of a layer's name tells which one it is."""
        text = self.clean(text)
        if cell_len(text) <= cells:
            return text
        gap = self.clean("…")
        while text and cell_len(text) > cells - len(gap):
            text = text[1:]
        return gap + text

    def short(self, name: str, cells: int) -> str:
        """Shorten a layer's name: ``encoder.layers.0.linear1`` to ``e.l.0.linear1`` or further."""
        parts = name_parts(self.clean(name))
        for index, part in enumerate(parts[:-1]):
            if cell_len(".".join(parts)) <= cells:
                break
            parts[index] = part if part.isdecimal() else part[:1]
        above = "".join(f"{part}." for part in parts[:-1])
        if cell_len(above) + _TELLING <= cells:
            return above + self.crop(parts[-1], cells - cell_len(above))
        return self.crop(".".join(parts), cells)


def laid_out(parts: Iterable[RenderableType], page: Page, *, color: bool) -> str:
    """Return the parts printed one below the other, without spaces at the ends of lines."""
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
    for part in parts:
        console.print(part)
    return _TRAILING.sub("", stream.getvalue().replace(TIE, " "))
