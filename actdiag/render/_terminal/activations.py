"""Which activation function stands where, what is expected there, and the gated networks."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.records import Fit
from actdiag.render._terminal.page import BAD, GOOD, STRONG, Page
from actdiag.render._words import listed, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.text import Text

    from actdiag.records import Found, GatedFFN, Inspection, Place

_MARKS = {
    Fit.FITS: ("✓", GOOD),
    Fit.DIFFERS: ("✗", BAD),
    Fit.DEPENDS: ("~", STRONG),
    Fit.NOT_SEEN: ("?", ""),
    Fit.ABSENT: ("–", ""),
}
_WORDS = {
    Fit.FITS: "fits",
    Fit.DIFFERS: "differs from what is expected",
    Fit.DEPENDS: "depends",
    Fit.NOT_SEEN: "not seen",
    Fit.ABSENT: "not in this model",
}
_NAMES = 3


def places(found: Inspection, page: Page) -> Iterator[RenderableType]:
    """Yield one entry for each documented place: what is expected, what was found."""
    if not found.places:
        return
    yield page.heading("WHICH ACTIVATION STANDS WHERE")
    for place in found.places:
        if place.fit is not Fit.ABSENT:
            mark, style = _MARKS[place.fit]
            head = page.text((mark, style)), page.text((place.place, STRONG))
            yield page.rows([head])
            yield page.rows(list(_place(place, page)), indent=4)
    absent = [place for place in found.places if place.fit is Fit.ABSENT]
    if absent:
        mark, style = _MARKS[Fit.ABSENT]
        rows = [
            (page.text((mark, style)), page.text(place.place), page.text(_absent(place)))
            for place in absent
        ]
        yield page.rows(rows)


def _absent(place: Place) -> str:
    return f"expected {place.expected}; {place.note or _WORDS[Fit.ABSENT]}"


def _place(place: Place, page: Page) -> Iterator[tuple[Text, Text]]:
    yield page.text("expected"), page.text(f"{place.expected}: {place.reason}")
    for one in place.found:
        yield page.text("found"), page.text(_told(one))
    if place.note:
        yield page.text("at"), page.text(place.note)


def _told(one: Found) -> str:
    if one.fit is Fit.NOT_SEEN:
        name = "not seen"
    else:
        name = "none" if one.function is None else _title(one.function)
    where = f" in {listed(one.layers, _NAMES)}" if one.layers else ""
    note = f": {one.note}" if one.note else ""
    seen = {"class name": " (by the class's name)", "configuration": " (by the configuration)"}
    told = f"{name}{seen.get(one.seen_in, '')}{where}{note}"
    return told if one.fit in {Fit.FITS, Fit.NOT_SEEN} else f"{told} – {_WORDS[one.fit]}"


def _title(name: str) -> str:
    row = functions.find(name)
    return row.title if row is not None else name


def gated(found: Inspection, page: Page) -> Iterator[RenderableType]:
    """Yield the gated feed-forward networks, those that are alike together."""
    if not found.gated:
        return
    groups: dict[tuple[object, ...], list[GatedFFN]] = defaultdict(list)
    for network in found.gated:
        key = network.form, network.function, network.width, network.hidden, network.parameters
        groups[key].append(network)
    yield page.heading("GATED FEED-FORWARD NETWORKS")
    for alike in groups.values():
        yield page.rows(list(_gated(alike, page)))


def _gated(alike: list[GatedFFN], page: Page) -> Iterator[tuple[Text, Text]]:
    first = alike[0]
    times = f" ({len(alike):,} alike)" if len(alike) > 1 else ""
    name = _title(first.form) if first.form else "gated, its function not seen"
    where = listed([network.name or "the model" for network in alike], _NAMES)
    yield page.text((name, STRONG)), page.text(f"{where}{times}")
    matrices = dict.fromkeys((first.gate, first.up, first.down))
    short = ", ".join(matrix.removeprefix(f"{first.name}.") for matrix in matrices)
    fused = ", gate and up in one" if first.gate == first.up else ""
    guess = "; told by their shapes, so gate and up may be swapped" if first.by == "shapes" else ""
    yield page.text("  matrices"), page.text(f"three ({short}{fused}){guess}")
    ratio = first.parameters / max(first.two_matrix_parameters, 1)
    yield (
        page.text("  parameters"),
        page.text(
            f"{first.parameters:,} for {first.width:,} → {first.hidden:,} → {first.width:,}, "
            f"{number(ratio)} times the {first.two_matrix_parameters:,} of two matrices; "
            f"two of hidden width {_same_cost(first):,} would cost as much"
        ),
    )


def _same_cost(network: GatedFFN) -> int:
    """The hidden width at which two matrices have as many parameters as these three."""
    return round(network.hidden * network.parameters / max(network.two_matrix_parameters, 1))
