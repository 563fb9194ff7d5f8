"""What a file is: the opening of an inspection, and the notes and the proposal at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding

from actdiag.render._terminal.page import BAD, GOOD, STRONG, Page
from actdiag.render._words import count, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import Inspection

_WANTS = 20  # our choice; the JSON has all


def facts(found: Inspection, page: Page) -> Iterator[RenderableType]:
    """Yield what the file is and whether it can be trusted."""
    name = f" of {found.class_name}" if found.class_name else ""
    yield page.text((found.path, STRONG), f": {found.title}{name}")
    yield page.text()
    yield page.rows(list(_rows(found, page)))


def _rows(found: Inspection, page: Page) -> Iterator[tuple[Text, Text]]:
    yield from _trust(found, page)
    size = "" if found.size is None else f", {count(found.size, 'byte')}"
    yield page.text("format"), page.text(f"{found.format}{size}")
    if found.sha256:
        yield page.text("sha256"), page.text(found.sha256)
    if found.parameters:
        yield page.text("holds"), page.text(_holds(found))
    if found.training:
        said = (f"{key} {_setting(value)}" for key, value in found.training.items())
        yield page.text("trained"), page.text(", ".join(said))


def _trust(found: Inspection, page: Page) -> Iterator[tuple[Text, Text]]:
    trust = found.trust
    if trust.safe:
        if found.format == "factory":
            said = "your own code built it"
        else:
            said = "safe: it loads without running code of its own"
        yield page.text("trust"), page.text(("✓ ", GOOD), said)
        return
    yield page.text("trust"), page.text(("✗ needs trust", BAD), f": {trust.why}")
    for name in trust.wants[:_WANTS]:
        yield page.text("  wants"), page.text(name)
    if len(trust.wants) > _WANTS:
        yield page.text("  wants"), page.text(f"+{len(trust.wants) - _WANTS:,} more")
    if trust.advice:
        yield page.text("  then"), page.text(trust.advice)


def _holds(found: Inspection) -> str:
    parts = [count(found.parameters, "parameter")]
    if found.trainable_parameters != found.parameters and found.class_name:
        parts.append(f"{found.trainable_parameters:,} trainable")
    if len(found.dtypes) == 1:
        parts.append(next(iter(found.dtypes)))
    else:
        parts += [f"{amount:,} {dtype}" for dtype, amount in found.dtypes.items()]
    if found.buffers:
        parts.append(count(found.buffers, "value") + " in buffers")
    return ", ".join(parts)


def notes(found: Inspection, page: Page) -> Iterator[RenderableType]:
    """Yield the notes, and the code of a factory where one could be proposed."""
    if found.notes:
        yield page.heading("NOTES")
        yield page.rows([(page.text("–"), page.text(note)) for note in found.notes])
    yield from proposed(found.proposal, page)


def proposed(code: str, page: Page) -> Iterator[RenderableType]:
    """The code of a factory that fits the weights, to be copied."""
    if code:
        yield page.heading("CODE THAT FITS THE WEIGHTS")
        for line in code.splitlines():
            yield Padding(page.text(line), (0, 0, 0, 2))


def _setting(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
