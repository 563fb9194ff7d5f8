"""What the report opens with: the verdict, what was measured on what, and whether it broke off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._facts import SYNTHETIC, facts, mark
from actdiag.render._story import headline
from actdiag.render._terminal.page import SIGNS, STRONG, Page
from actdiag.render._words import source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from actdiag.records import Failure, Report


def opening(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield the verdict, a failure if there was one, and the facts."""
    yield _verdict(report, page)
    scan = report.scan
    if scan.coverage.failure:
        yield from _failure(scan.coverage.failure, page)
    if scan.data.synthetic:
        yield page.text()
        yield page.rows([(page.text(("SYNTHETIC INPUT", "bold reverse")), page.text(SYNTHETIC))])
    yield page.text()
    yield page.rows([(page.text(word), page.text(told)) for word, told in facts(report)])


def _verdict(report: Report, page: Page) -> RenderableType:
    sign, (verdict, told) = mark(report), headline(report)
    row = page.text((sign, SIGNS[sign])), page.text((verdict, SIGNS[sign]), f": {told}")
    return page.rows([row], indent=0)


def _failure(failure: Failure, page: Page) -> Iterator[RenderableType]:
    yield page.heading("THE FORWARD PASS FAILED")
    place = failure.module or "the model itself"
    rows = [
        (page.text("in"), page.text((place, STRONG))),
        (page.text("raised"), page.text((failure.exception, STRONG), f": {failure.message}")),
    ]
    if failure.source:
        rows.insert(1, (page.text("at"), page.text(source_line(failure.source))))
    rows += [(page.text("try"), page.text(advice)) for advice in failure.advice]
    yield page.rows(rows)
    yield page.text("  Everything below is what was seen up to there.")
