"""Two reports side by side, as text for a terminal, as Markdown or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._facts import MARKS
from actdiag.render._findings import line_of, title, told
from actdiag.render._markdown import cell_code, table
from actdiag.render._markdown import text as escaped
from actdiag.render._terminal.page import GOOD, STRONG, STYLES, Page, laid_out
from actdiag.render._words import count, number, percent
from actdiag.render.json import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from actdiag.comparison import Change, Comparison, Moved
    from actdiag.records import Finding
    from actdiag.render import Display

_MOST = 20  # rows of a list; our choice, the JSON has all
_SHARES = frozenset(
    {"zeros", "dead", "saturated", "accuracy", "confident_wrong", "mean_confidence"}
)


def render(name: str, found: Comparison, display: Display) -> str:
    """Return the comparison as ``text``, fitted to the display, ``markdown`` or ``json``."""
    if name == "json":
        return written(found.to_json())
    if name == "markdown":
        return "\n".join(_markdown(found))
    page = Page.of(display.width, unicode=display.unicode)
    return laid_out(_text(found, page), page, color=display.color)


def verdict(found: Comparison) -> str:
    """Return what changed in one line."""
    parts = [
        count(len(found.new), "new finding"),
        f"{len(found.worse):,} worse",
        f"{len(found.milder):,} milder",
        f"{len(found.fixed):,} fixed",
        f"{found.remaining:,} as before",
    ]
    return ", ".join(parts)


def _findings(found: Comparison) -> Iterator[tuple[str, Finding, str]]:
    """What happened to each finding, the finding, and what it was before."""
    yield from (("new", finding, "") for finding in found.new)
    yield from (("worse", pair.after, f" (was {pair.before.severity})") for pair in found.worse)
    yield from (("milder", pair.after, f" (was {pair.before.severity})") for pair in found.milder)
    yield from (("fixed", finding, "") for finding in found.fixed)


def _moves(found: Comparison) -> Iterator[tuple[str, tuple[Moved, ...]]]:
    yield "Layers that changed", found.sites
    yield "Weights that moved", found.weights


def _names(found: Comparison) -> Iterator[str]:
    for word, names in (("Only after", found.sites_added), ("Only before", found.sites_removed)):
        if names:
            more = f" (+{len(names) - _MOST:,} more)" if len(names) > _MOST else ""
            yield f"{word}: {line_of(', '.join(names[:_MOST]))}{more}"
    yield f"{count(found.sites_alike, 'layer')} as before"


def _value(name: str, value: float | None) -> str:
    return percent(value, decimals=1) if name in _SHARES else number(value)


def _change(change: Change) -> str:
    before, after = (_value(change.name, value) for value in (change.before, change.after))
    return f"{change.name.replace('_', ' ')} {before} → {after}"


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
    told_of = list(_findings(found))
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
        yield page.rows([(page.text(_change(change)),) for change in found.output])
    for heading, moved in _moves(found):
        if moved:
            yield page.heading(heading.upper())
            yield page.rows(
                [
                    (
                        page.text(page.short(one.name, 28)),
                        page.text(", ".join(map(_change, one.changes))),
                    )
                    for one in moved[:_MOST]
                ]
            )
            if len(moved) > _MOST:
                yield page.text(f"  +{len(moved) - _MOST:,} more")
    yield page.text()
    for line in _names(found):
        yield page.text(f"  {line}")


def _markdown(found: Comparison) -> Iterator[str]:
    yield f"# {verdict(found)}\n"
    sides = (("before", found.before), ("after", found.after))
    about = [(word, cell_code(s.model), cell_code(s.data), str(s.verdict)) for word, s in sides]
    yield table(("", "model", "data", "verdict"), about)
    told_of = list(_findings(found))
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
        yield "".join(f"- {escaped(_change(change))}\n" for change in found.output)
    for heading, moved in _moves(found):
        if moved:
            yield f"## {heading}\n"
            cells = [
                (cell_code(one.name), escaped(", ".join(map(_change, one.changes))))
                for one in moved[:_MOST]
            ]
            if len(moved) > _MOST:
                cells.append((f"+{len(moved) - _MOST:,} more", ""))
            yield table(("name", "before → after"), cells)
    yield "".join(f"- {escaped(line)}\n" for line in _names(found))
