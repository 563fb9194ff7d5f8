"""The findings that no diagnosis tells: one paragraph each, what follows from it folded in."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from actdiag.records import Confidence, Role
from actdiag.render._documentation import command, documented
from actdiag.render._facts import MARKS
from actdiag.render._story import by_diagnosis
from actdiag.render._terminal.page import STRONG, STYLES, Page
from actdiag.render._words import listed, source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import Finding, Report
    from actdiag.render._story import Chain

_ALIKE = 3  # findings of one rule told in full; our choice: a fourth one adds only its place
_NAMES = 6


def findings(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield the section of findings, worst first, or nothing when there are none left to tell."""
    _, left = by_diagnosis(report)
    if not left:
        return
    yield page.heading("OTHER FINDINGS" if report.diagnoses else "FINDINGS")
    for group in _alike(left):
        for chain in group[:_ALIKE]:
            yield from _finding(chain, page)
        if len(group) > _ALIKE:
            yield page.rows([(_rest(group[_ALIKE:], page),)])


def explained(report: Report, page: Page) -> Iterator[RenderableType]:
    """Yield where the rules that found something are documented."""
    if codes := list(documented(report.findings)):
        others = f" (or {listed(codes[1:], _NAMES)})" if codes[1:] else ""
        yield page.text()
        yield page.rows([(page.text("documentation"), page.text(command(codes[0]), others))])


def brief(chains: list[Chain], page: Page) -> Iterator[Text]:
    """Yield a line for each finding that a diagnosis rests on."""
    for group in _alike(chains):
        for chain in group[:_ALIKE]:
            told = f": {chain.root.message}{_explains(chain)}"
            yield page.text(_mark(chain.root), " ", *_title(chain.root), told)
        if len(group) > _ALIKE:
            yield _rest(group[_ALIKE:], page)


def _alike(chains: list[Chain]) -> list[list[Chain]]:
    def kind(chain: Chain) -> tuple[int, str]:
        return chain.severity.rank, chain.root.code

    return [list(group) for _, group in groupby(sorted(chains, key=kind), key=kind)]


def _mark(finding: Finding) -> tuple[str, str]:
    return MARKS[finding.severity], STYLES[finding.severity]


def _title(finding: Finding) -> list[str | tuple[str, str]]:
    style = STYLES[finding.severity]
    sure = f" ({finding.confidence} confidence)" * (finding.confidence is not Confidence.HIGH)
    parts: list[str | tuple[str, str]] = [
        (str(finding.severity), style),
        f" {finding.code} {finding.name}{sure}",
    ]
    start, place = _where(finding)
    if place:
        parts += [start, (place, STRONG)]
    if finding.source:
        parts.append(f", {source_line(finding.source)}")
    return parts


def _finding(chain: Chain, page: Page) -> Iterator[RenderableType]:
    finding = chain.root
    yield page.rows([(page.text(_mark(finding)), page.text(*_title(finding)))])
    yield page.rows([(page.text(finding.message),)], indent=4)
    if finding.remedy:
        yield page.rows([(page.text("→"), page.text(finding.remedy))], indent=4)
    if chain.followers:
        yield page.text("    and what follows from it")
        yield page.rows(list(_followers(chain, page)), indent=4)


def _followers(chain: Chain, page: Page) -> Iterator[tuple[Text, Text]]:
    ordered = sorted(chain.followers, key=lambda finding: finding.severity.rank)
    for finding in ordered[:_ALIKE]:
        first = finding.message.partition(". ")[0].rstrip(".")
        yield page.text(_mark(finding)), page.text(*_title(finding), f": {first}.")
    if more := ordered[_ALIKE:]:
        named = [f.code + "".join(_where(f)) for f in more]
        yield page.text(), page.text(f"+{len(more):,} more: {listed(named, _NAMES)}")


def _explains(chain: Chain) -> str:
    if not chain.followers:
        return ""
    named = [f.code + "".join(_where(f)) for f in chain.followers]
    return f" This explains {listed(named, _NAMES)}."


def _rest(group: list[Chain], page: Page) -> Text:
    places = [chain.root.site or chain.root.module or "the model" for chain in group]
    return page.text(f"+{len(group):,} more {group[0].root.code} in {listed(places, _NAMES)}")


def _where(finding: Finding) -> tuple[str, str]:
    place = finding.site or finding.module
    if not place:
        return "", ""
    return (" in the ", place) if place == Role.INPUT else (" in layer ", place)
