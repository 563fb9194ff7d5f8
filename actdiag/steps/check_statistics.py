"""Debug step: check activation statistics (mean, std, % zeros)."""

from __future__ import annotations

from actdiag.records import Outcome
from actdiag.steps.base import Case, Result, Step, needs
from actdiag.steps.depth import (
    label,
    number,
    over_depth,
    percent,
    signal_sites,
    where_it_dies,
)


def carry_out(case: Case) -> Result:
    """Name the layer where the signal dies, with the profile over depth."""
    sites = signal_sites(case.scan)
    if not sites:
        return needs("No activation was measured: the model was not run.")
    profile = [
        {
            "site": site.name,
            "mean": site.stats.mean,
            "std": site.stats.std,
            "zero_fraction": site.stats.zero_fraction,
            "between_sample": site.stats.between_sample,
        }
        for site in sites
    ]
    death = where_it_dies(case.scan)
    depth = over_depth([(site.name, number(site.stats.std)) for site in sites])
    measured = {"dies_at": death.site.name if death else None, "profile": profile}
    if death is None:
        first, last = sites[0].stats, sites[-1].stats
        text = (
            f"The signal gets through all {len(sites)} sites: std {number(first.std)} at "
            f"{label(sites[0])}, {number(last.std)} at {label(sites[-1])}; values differ "
            f"between samples all the way. Std over depth: {depth}."
        )
        return Result(Outcome.DONE, text, measured)
    stats = death.site.stats
    if stats.mean is None:
        text = f"The signal dies at {label(death.site)}: {death.how}. Std over depth: {depth}."
        return Result(Outcome.DONE, text, measured)
    text = (
        f"The signal dies at {label(death.site)}: {death.how} (mean {number(stats.mean)}, std "
        f"{number(stats.std)}, {percent(stats.zero_fraction)} zeros). Std over depth: {depth}."
    )
    return Result(Outcome.DONE, text, measured)


STEP = Step("check-statistics", "Check activation statistics (mean, std, % zeros)", carry_out)
