"""Gated feed-forward networks in one line for each kind of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.render._words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.records import GatedUnit, Report

_NAMES = 2


def gated_lines(report: Report) -> Iterator[str]:
    """Yield a line for the networks of each kind and size, those that come first first."""
    alike: dict[tuple[object, ...], list[GatedUnit]] = {}
    for unit in report.scan.gated:
        key = (unit.kind, unit.fused, unit.hidden, unit.parameters, unit.two_matrix_parameters)
        alike.setdefault(key, []).append(unit)
    for units in alike.values():
        yield _line(units)


def _line(units: list[GatedUnit]) -> str:
    first = units[0]
    row = functions.find(first.kind)
    title = row.title if row is not None else first.kind
    where = listed([unit.name or unit.product for unit in units], _NAMES)
    layers = "from one layer" if first.fused else "from a layer each"
    text = f"{title} in {where}: two branches of {first.hidden:,} units {layers}"
    if first.parameters is None or not first.two_matrix_parameters:
        return text
    factor = first.parameters / first.two_matrix_parameters
    each = " each" if len(units) > 1 else ""
    return (
        f"{text}, {first.parameters:,} parameters{each}, {factor:.2g} × those of a two-matrix "
        "network"
    )
