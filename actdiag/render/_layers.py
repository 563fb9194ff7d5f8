"""Which layers are shown where there are too many, and how bad each of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.records import Role, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.records import Finding, Site


def marked(findings: Iterable[Finding]) -> dict[str, Severity]:
    """Return the severity of the worst finding at each site that has one, by its name."""
    found: dict[str, Severity] = {}
    for finding in sorted(findings, key=lambda f: -f.severity.rank):
        if finding.site:
            found[finding.site] = finding.severity
    return found


def most_telling(sites: tuple[Site, ...], found: dict[str, Severity], most: int) -> list[Site]:
    """Return at most ``most`` sites in forward order: both ends, the sick, then activations."""
    if len(sites) <= most:
        return list(sites)

    def dullness(index: int) -> tuple[bool, int, bool, float]:
        site = sites[index]
        rank = found[site.name].rank if site.name in found else len(Severity)
        end = index == 0 or site.is_final
        return not end, rank, site.role is not Role.ACTIVATION, -_share(site)

    best = sorted(range(len(sites)), key=dullness)[:most]
    return [sites[index] for index in sorted(best)]


def dead_share(site: Site) -> float | None:
    """Return the fraction of units that never fire; null where units can't die."""
    dead = site.stats.dead_units
    return None if dead is None or not site.units else dead / site.units


def _share(site: Site) -> float:
    stats = site.stats
    return max(
        dead_share(site) or 0.0, stats.saturated_fraction or 0.0, (stats.zero_fraction or 0.0) / 2
    )
