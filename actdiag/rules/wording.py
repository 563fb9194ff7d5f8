"""Words that all rules use the same way."""

from __future__ import annotations

from actdiag.records import Confidence, Role, Site
from actdiag.rules.graph import row_of

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


def count(many: int, noun: str) -> str:
    """Such as ``1 sample``, ``455 samples``, ``2 classes`` or ``3 infinities``."""
    if many == 1:
        return f"{many:,} {noun}"
    if noun.endswith("y"):
        return f"{many:,} {noun[:-1]}ies"
    return f"{many:,} {noun}{'es' if noun.endswith('s') else 's'}"


def seen(samples: int, observations: int) -> str:
    """On how much data a claim about a unit rests."""
    text = count(samples, "sample")
    return text if observations == samples else f"{text} ({observations:,} values each)"


def confidence_in(observations: int) -> Confidence:
    """High from a thousand observations of a unit, else medium."""
    return Confidence.HIGH if observations >= MANY_OBSERVATIONS else Confidence.MEDIUM


def listed(names: list[str], most: int = 4) -> str:
    """Such as ``'a', 'b', 'c' and 2 more``."""
    shown = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
