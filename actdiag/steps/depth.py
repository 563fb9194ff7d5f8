"""The signal over depth: which sites carry it, and where it dies or explodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag import text
from actdiag.records import Role, Scan, Site

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD = 6  # our choice: as many fit on a line or two
_ALL = range(_TOLD)
SAME_FOR_ALL = 1e-6  # of a layer's variance lies between samples: RULES.md, ACT106
SIGNAL = (Role.ACTIVATION, Role.LINEAR, Role.CONV, Role.RECURRENT, Role.GATED_PRODUCT)


@dataclass(frozen=True, slots=True)
class Death:
    """The first site that the signal does not survive, and how it dies there."""

    site: Site
    how: str


def signal_sites(scan: Scan) -> tuple[Site, ...]:
    """The sites that compute the signal, in execution order, with numbers."""
    return tuple(site for site in scan.sites if site.role in SIGNAL and site.stats.elements)


def final_layer(scan: Scan) -> Site | None:
    """The last linear or convolutional layer in execution order."""
    layers = [site for site in scan.sites if site.role in (Role.LINEAR, Role.CONV) and site.module]
    return layers[-1] if layers else None


def where_it_dies(scan: Scan) -> Death | None:
    """The first site with non-finite values, without a live unit, or equal for all samples."""
    if scan.data.samples < 2:  # noqa: PLR2004 - one sample cannot tell samples apart
        return None
    for site in scan.sites:
        stats = site.stats
        if site.role is Role.INPUT or not stats.elements:
            continue
        if stats.nonfinite:
            amount = f"{stats.nonfinite:,} of {stats.elements:,}"
            return Death(site, f"{amount} values there are NaN or infinite")
        if site.role not in SIGNAL:
            continue
        if not site.units:  # the mean over all of a softmax is the same for every sample
            continue
        if stats.dead_units == site.units:
            return Death(site, f"none of its {site.units} units ever fires")
        if stats.between_sample is not None and stats.between_sample < SAME_FOR_ALL:
            return Death(site, "it gives the same values whatever the sample")
    return None


def over_depth(values: Sequence[tuple[str, str]]) -> str:
    """Site names with what was measured there, at most six of them, evenly spread over depth."""
    last = len(values) - 1
    places = range(len(values)) if last < _TOLD else (round(i * last / (_TOLD - 1)) for i in _ALL)
    return ", ".join(f"{values[place][0]}: {values[place][1]}" for place in places)


def label(site: Site) -> str:
    """A site as people point at it: its name, what it computes, its line."""
    what = f" ({site.function})" if site.function and site.function not in site.name else ""
    return f"{site.name}{what}"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage, rounded as the whole report does."""
    return "?" if fraction is None else text.percent(fraction, decimals=1)


def number(value: float | None) -> str:
    """A number in three digits."""
    return "?" if value is None else f"{value:.3g}"
