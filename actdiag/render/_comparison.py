"""Two reports side by side, as text for a terminal, as Markdown, as a page or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._changes import change, happened, moves, names, verdict
from actdiag.render._facts import MARKS
from actdiag.render._findings import title, told
from actdiag.render._html.compared import render as html
from actdiag.render._markdown import cell_code, table
from actdiag.render._markdown import text as escaped
from actdiag.render._terminal.page import GOOD, STRONG, STYLES, Page, laid_out
from actdiag.render.json import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from actdiag.comparison import Comparison
    from actdiag.render import Display

_MOST = 20  # rows of a list; our choice, the JSON has all


def render(name: str, found: Comparison, display: Display) -> str:
    """Return the comparison as ``text``, fitted to the display, or in another of its formats."""
    if name == "json":
        return written(found.to_json())
    if name == "html":
        return html(found)
    if name == "markdown":
        return "\n".join(_markdown(found))
    page = Page.of(display.width, unicode=display.unicode)
    return laid_out(_text(found, page), page, color=display.color)


def _text(found: Comparison, page: Page) -> Iterator[RenderableType]:
    yield page.text((verdict(found), STRONG))
    yield page.text()
    sides = (("before", found.before), ("after", found.after))
    yield page.rows(
        [
            (page.text(word), page.text(f"{side.model} on {side.data}: {side.verdict}"))
            for word, side in sides
        ]
    )
    told_of = list(happened(found))
    if told_of:
        yield page.heading("FINDINGS")
        rows = [
            (
                page.text(
                    ("✓", GOOD)
                    if word == "fixed"
                    else (MARKS[finding.severity], STYLES[finding.severity])
                ),
                page.text((word, STRONG)),
                page.text(f"{title(finding)}{was}: {told(finding)}"),
            )
            for word, finding, was in told_of[:_MOST]
        ]
        yield page.rows(rows)
        if len(told_of) > _MOST:
            yield page.text(f"  +{len(told_of) - _MOST:,} more")
    if found.output:
        yield page.heading("OUTPUT")
        yield page.rows([(page.text(change(one)),) for one in found.output])
    for heading, moved in moves(found):
        if moved:
            yield page.heading(heading.upper())
            yield page.rows(
                [
                    (
                        page.text(page.short(one.name, 28)),
                        page.text(", ".join(map(change, one.changes))),
                    )
                    for one in moved[:_MOST]
                ]
            )
            if len(moved) > _MOST:
                yield page.text(f"  +{len(moved) - _MOST:,} more")
    yield page.text()
    for line in names(found):
        yield page.text(f"  {line}")


def _markdown(found: Comparison) -> Iterator[str]:
    yield f"# {verdict(found)}\n"
    sides = (("before", found.before), ("after", found.after))
    about = [(word, cell_code(s.model), cell_code(s.data), str(s.verdict)) for word, s in sides]
    yield table(("", "model", "data", "verdict"), about)
    told_of = list(happened(found))
    if told_of:
        yield "## Findings\n"
        rows = [
            (word, f"{finding.severity}{was}", escaped(title(finding)), escaped(finding.message))
            for word, finding, was in told_of[:_MOST]
        ]
        if len(told_of) > _MOST:
            rows.append(("", "", f"+{len(told_of) - _MOST:,} more", ""))
        yield table(("", "severity", "rule", "measured"), rows)
    if found.output:
        yield "## Output\n"
        yield "".join(f"- {escaped(change(one))}\n" for one in found.output)
    for heading, moved in moves(found):
        if moved:
            yield f"## {heading}\n"
            cells = [
                (cell_code(one.name), escaped(", ".join(map(change, one.changes))))
                for one in moved[:_MOST]
            ]
            if len(moved) > _MOST:
                cells.append((f"+{len(moved) - _MOST:,} more", ""))
            yield table(("name", "before → after"), cells)
    yield "".join(f"- {escaped(line)}\n" for line in names(found))
