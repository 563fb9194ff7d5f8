"""Words that all rules use the same way."""

from __future__ import annotations

from actdiag import text
from actdiag.records import Confidence, Role, Site
from actdiag.rules.graph import row_of
from actdiag.rules.units import firing_bound

MANY_OBSERVATIONS = 1000


def named(site: Site) -> str:
    """Such as ``'net.3' (ReLU)``, or ``the input``."""
    if site.role is Role.INPUT:
        return "the input" if site.call == 1 else f"the input '{site.name}'"
    row = row_of(site)
    if row is not None:
        return f"'{site.name}' ({row.title})"
    whole_module = site.function is None or site.name.partition("#")[0] == site.module
    return f"'{site.name}' ({site.module_class if whole_module else site.function})"


def number(value: float) -> str:
    """Three digits, without an exponent where that reads well."""
    return f"{value:.3g}" if abs(value) < 1000 or abs(value) >= 1e6 else f"{value:,.0f}"  # noqa: PLR2004


def percent(fraction: float | None) -> str:
    """A measured share, such as ``99.7 %``."""
    return text.percent(fraction, decimals=1)


def limit(fraction: float) -> str:
    """A share that somebody set, such as ``90 %``, with as many digits as it was set with."""
    return f"{100 * fraction:g} %"


def count(many: int, noun: str) -> str:
    """Such as ``1 sample``, ``455 samples``, ``2 classes`` or ``3 infinities``."""
    if many == 1:
        return f"{many:,} {noun}"
    if noun.endswith("y"):
        return f"{many:,} {noun[:-1]}ies"
    return f"{many:,} {noun}{'es' if noun.endswith('s') else 's'}"


def seen(samples: int, observations: int) -> str:
    """On how much data a claim about a unit rests."""
    told = count(samples, "sample")
    return told if observations == samples else f"{told} ({observations:,} values of each unit)"


def rarely(samples: int, units: int = 2) -> str:
    """How often what was never seen may still happen, by the rule of three."""
    bound, who = percent(firing_bound(samples)), "it fires" if units == 1 else "they fire"
    return f"If {who} at all, then for less than {bound} of samples (3/{samples:,}, at 95 %)."


def confidence_in(observations: int) -> Confidence:
    """High from a thousand observations of a unit, else medium."""
    return Confidence.HIGH if observations >= MANY_OBSERVATIONS else Confidence.MEDIUM


def listed(names: list[str], most: int = 4) -> str:
    """Such as ``'a', 'b', 'c' and 2 more``."""
    shown = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
