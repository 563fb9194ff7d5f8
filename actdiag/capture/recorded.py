"""What was recorded at the sites, as frozen records and as a state that merges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actdiag.records import Role, Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actdiag.capture.opened import OpenSite


def records(sites: Sequence[OpenSite], order: Iterable[int]) -> tuple[Site, ...]:
    """A record of every site that is none of another's parts, in that order of their indices."""
    return tuple(_record(sites[index], sites) for index in order if not sites[index].absorbed)


def state_of(site: OpenSite) -> dict[str, Any]:
    """What the site has accumulated, as plain values and tensors."""
    return {
        "function": site.accumulator.function and site.accumulator.function.name,
        "settings": site.accumulator.settings,
        "numbers": site.accumulator.state(),
        "rows": site.rows and site.rows.state(),
        "attention": site.attention and site.attention.state(),
    }


def _seen(sites: Sequence[OpenSite], inputs: tuple[int, ...]) -> tuple[int, ...]:
    """The inputs, those absorbed into another site replaced by what they were computed from."""
    found: dict[int, None] = {}
    for index in inputs:
        whole = sites[index].absorbed
        found |= dict.fromkeys(_seen(sites, sites[index].inputs) if whole else (index,))
    return tuple(found)


def _record(site: OpenSite, sites: Sequence[OpenSite]) -> Site:
    stats, per_unit = site.accumulator.to_record()
    if site.rows is not None:
        stats = replace(stats, **site.rows.told())
    if site.input_range is not None and per_unit is not None:
        known = sites[site.input_range].accumulator.to_record()[1] or per_unit
        per_unit = replace(per_unit, input_min=known.input_min, input_max=known.input_max)
    if site.shut is not None and per_unit is not None:
        per_unit = replace(per_unit, shut=tuple(site.shut.long().tolist()))
    attends = site.attention is not None and site.role is Role.ATTENTION
    return Site(
        name=site.name,
        module=site.module,
        module_class=site.module_class,
        function=site.function,
        role=site.role,
        call=site.call,
        source=site.source,
        shape=site.shape,
        unit_axis=site.unit_axis,
        units=site.units,
        dtype=site.dtype,
        inputs=tuple(sites[index].name for index in _seen(sites, site.inputs)),
        straight=site.straight,
        verbatim=site.verbatim and not any(sites[index].absorbed for index in site.inputs),
        returned=site.returned or site.is_final,
        is_final=site.is_final,
        stats=stats,
        per_unit=per_unit,
        attention=site.attention.to_record() if attends and site.attention else None,
    )
