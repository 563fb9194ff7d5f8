"""What changed between two reports, in words, whatever the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._findings import line_of
from actdiag.render._words import count, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.comparison import Change, Comparison, Moved
    from actdiag.records import Finding

NAMES = 20  # our choice; the JSON has all
SHARES = frozenset({"zeros", "dead", "saturated", "accuracy", "confident_wrong", "mean_confidence"})
_WRITTEN = {"ece": "ECE", "nll": "NLL", "r2": "R²", "brier": "Brier score"}
_JUDGED = {True: " (better)", False: " (worse)", None: ""}


def verdict(found: Comparison) -> str:
    """Return what became of the findings in one line: ``9 new findings, 2 fixed, 3 as before``."""
    amounts = {
        "new": len(found.new),
        "worse": len(found.worse),
        "milder": len(found.milder),
        "fixed": len(found.fixed),
        "as before": found.remaining,
    }
    told = [(many, word) for word, many in amounts.items() if many]
    if not told:
        return "no finding in either"
    many, word = told[0]
    noun = "finding" if many == 1 else "findings"
    first = f"{many:,} {noun} {word}" if word == "as before" else f"{many:,} {word} {noun}"
    return ", ".join([first, *(f"{many:,} {word}" for many, word in told[1:])])


def happened(found: Comparison) -> Iterator[tuple[str, Finding, str]]:
    """Yield what happened to each finding, the finding, and what it was before."""
    yield from (("new", finding, "") for finding in found.new)
    yield from (("worse", pair.after, f" (was {pair.before.severity})") for pair in found.worse)
    yield from (("milder", pair.after, f" (was {pair.before.severity})") for pair in found.milder)
    yield from (("fixed", finding, "") for finding in found.fixed)


def moves(found: Comparison) -> Iterator[tuple[str, tuple[Moved, ...]]]:
    """Yield what moved under its heading; a heading may have nothing under it."""
    yield "Layers that changed", found.sites
    yield "Weights that moved", found.weights


def names(found: Comparison) -> Iterator[str]:
    """Yield the layers that only one of the two has, and how many did not change."""
    for word, only in (("Only after", found.sites_added), ("Only before", found.sites_removed)):
        if only:
            more = f" (+{len(only) - NAMES:,} more)" if len(only) > NAMES else ""
            yield f"{word}: {line_of(', '.join(only[:NAMES]))}{more}"
    yield f"{count(found.sites_alike, 'layer')} as before"


def value(name: str, measured: float | None) -> str:
    """Return a number as that statistic is written."""
    return percent(measured, decimals=1) if name in SHARES else number(measured)


def word_for(name: str) -> str:
    """Return a statistic's name as people write it."""
    return _WRITTEN.get(name, name.replace("_", " "))


def change(one: Change) -> str:
    """Return ``dead 3.1 % → 12.5 % (worse)``."""
    before, after = (value(one.name, measured) for measured in (one.before, one.after))
    return f"{word_for(one.name)} {before} → {after}{_JUDGED[one.better]}"
