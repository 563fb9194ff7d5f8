"""What was not seen and what could not be judged: silence never reads as health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._story import exemptions, headline, skips_by_reason
from actdiag.render._words import count, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import Report
    from actdiag.render._terminal.page import Page

_NAMES = 8


def coverage(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield what was captured, what was not, and the rules that were skipped, by reason."""
    yield page.heading("COVERAGE")
    yield page.rows(list(_captured(report, page)))
    yield from (page.text("  ", line) for line in exemptions(report))
    if report.skipped:
        yield page.text(f"  {count(len(report.skipped), 'rule')} skipped")
        rows = [
            (page.text("–"), page.text(f"{reason}: {', '.join(codes)}"))
            for reason, codes in skips_by_reason(report.skipped).items()
        ]
        yield page.rows(rows, indent=4)


def _captured(report: Report, page: Page) -> Iterator[tuple[Text, Text]]:
    seen = report.scan.coverage
    called = seen.modules - len(seen.modules_not_called)
    modules = f"{called:,} of {count(seen.modules, 'leaf module')} called"
    share = seen.parameters_seen
    weights = "" if share is None else f", {percent(share)} of the parameters"
    yield page.text("seen"), page.text(f"{count(seen.sites, 'site')}, {modules}{weights}")
    if seen.modules_not_called:
        yield page.text("not called"), page.text(listed(seen.modules_not_called, _NAMES))
    if seen.functions_not_captured:
        yield page.text("not captured"), page.text(listed(seen.functions_not_captured, _NAMES))
    if seen.note and seen.note != headline(report)[1]:
        yield page.text("note"), page.text(seen.note)
