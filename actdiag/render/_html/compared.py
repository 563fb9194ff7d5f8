"""The page of two reports side by side: what became of the findings, and what moved how far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.records import Severity
from actdiag.render._changes import NAMES, SHARES, happened, names, value, verdict, word_for
from actdiag.render._documentation import documented
from actdiag.render._facts import MARKS
from actdiag.render._findings import line_of
from actdiag.render._html.findings import finding
from actdiag.render._html.shell import document

if TYPE_CHECKING:
    from actdiag.comparison import Change, Comparison, Moved
    from actdiag.records import Finding

_FINDINGS = 100  # in all, and layers and weights each; our choice: the JSON has all
_MOVED = 100
_LEADS = {
    "new": "Not there before.",
    "worse": "There before, and milder.",
    "milder": "Still there, and less severe.",
    "fixed": "There before, and gone.",
}
_TONES = {True: "healthy", False: "error", None: ""}


def render(found: Comparison) -> str:
    """Return the page, self-contained as a report's is, and below a megabyte."""
    told = list(happened(found))
    pages = documented(each for _, each, _ in told).values()
    return document(
        "compared.html.j2",
        f"{_name(found.before.model)} → {_name(found.after.model)}",
        found.tool,
        pages,
        verdict=verdict(found),
        **_summary(found),
        groups=_groups(found),
        output=[_cells(each) for each in found.output],
        tables=[
            _table("Layers that changed", "layer", found.sites),
            _table("Weights that moved", "weight", found.weights),
        ],
        names=[line_of(each) for each in names(found)],
    )


def _name(path: str) -> str:
    return line_of(path.replace("\\", "/").rpartition("/")[2], 100)


def _summary(found: Comparison) -> dict[str, Any]:
    """The sign by the worst that is new, how many of each kind, and what to do first."""
    harm = [*found.new, *(pair.after for pair in found.worse)]
    harm.sort(key=lambda each: each.severity.rank)
    worst = harm[0].severity if harm else None
    amounts = (
        ("new", len(found.new), _worst([each.severity for each in found.new])),
        ("worse", len(found.worse), _worst([pair.after.severity for pair in found.worse])),
        ("milder", len(found.milder), "healthy" if found.milder else "none"),
        ("fixed", len(found.fixed), "healthy" if found.fixed else "none"),
        ("as before", found.remaining, "none"),
    )
    return {
        "mark": MARKS[worst] if worst else "✓",
        "tone": str(worst) if worst else "healthy",
        "amounts": [
            {"word": word, "amount": f"{many:,}", "tone": tone} for word, many, tone in amounts
        ],
        "first": line_of(next((each.remedy for each in harm if _asks(each)), "")),
        "sides": [
            (word, line_of(side.model, 300), line_of(side.data, 300), str(side.verdict))
            for word, side in (("before", found.before), ("after", found.after))
        ],
    }


def _asks(each: Finding) -> bool:
    """Whether something is to be done: of notes there is not."""
    return bool(each.remedy) and each.severity is not Severity.INFO


def _worst(severities: list[Severity]) -> str:
    """Return the worst of them as the page's word for it, or nothing."""
    return str(min(severities, key=lambda severity: severity.rank, default="none"))


def _groups(found: Comparison) -> list[dict[str, Any]]:
    """The findings under what became of them, each with what it was before."""
    told, room = list(happened(found)), _FINDINGS
    groups = []
    for word, lead in _LEADS.items():
        mine = [(each, was) for kind, each, was in told if kind == word]
        shown = mine[: max(room, NAMES)]
        room -= len(shown)
        if mine:
            entries = [_entry(each, word, was) for each, was in shown]
            left = len(mine) - len(shown)
            groups.append({"word": word, "lead": lead, "findings": entries, "left": left})
    return groups


def _entry(each: Finding, word: str, was: str) -> dict[str, Any]:
    told = finding(each) | {"severity": f"{each.severity}{was}"}
    gone = {"tone": "healthy", "mark": "✓", "severity": f"fixed {each.severity}", "remedy": ""}
    return told | gone if word == "fixed" else told


def _table(title: str, noun: str, moved: tuple[Moved, ...]) -> dict[str, Any]:
    shown = moved[:_MOVED]
    kinds = list(dict.fromkeys(each.name for one in shown for each in one.changes))
    return {
        "title": title,
        "noun": noun,
        "columns": list(map(word_for, kinds)),
        "rows": [_row(one, kinds) for one in shown],
        "left": len(moved) - len(shown),
    }


def _row(one: Moved, kinds: list[str]) -> dict[str, Any]:
    by_name = {each.name: each for each in one.changes}
    cells = [_cells(by_name[kind]) if kind in by_name else None for kind in kinds]
    return {
        "name": line_of(one.name, 200),
        "size": f"{one.size:.6g}",
        "far": round(100 * min(one.size, 1.0), 1),
        "cells": cells,
    }


def _cells(one: Change) -> dict[str, Any]:
    """Both numbers; of shares also as two bars, the one before above the one after."""
    before, after = one.before, one.after
    moved = "" if before is None or after is None else f"{after - before:.6g}"
    return {
        "name": word_for(one.name),
        "before": value(one.name, before),
        "after": value(one.name, after),
        "value": moved,
        "tone": _TONES[one.better],
        "word": {True: "better", False: "worse", None: ""}[one.better],
        "bars": [_share(before), _share(after)] if one.name in SHARES else [],
    }


def _share(measured: float | None) -> float:
    return 0.0 if measured is None else round(100 * min(max(measured, 0.0), 1.0), 1)
