"""The facts about the scan of several parts: its data, what was called, what was seen and not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actdiag.capture.seen import remarks, share_of
from actdiag.feed.feed import nonfinite_note
from actdiag.measure import left_out_note
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from actdiag.capture.tokens import PaddingMeter
    from actdiag.records import Coverage, DataInfo, ModuleInfo, Scan, Site
    from actdiag.shards.sites import Sites

    States = Sequence[Mapping[str, Any]]


def data_of(
    scans: Sequence[Scan], states: States, sites: Iterable[Site], padding: PaddingMeter
) -> DataInfo:
    """The data of all parts; notes that count are counted anew."""
    every = [scan.data for scan in scans]
    notes = dict.fromkeys(note for state in states for note in state["notes"])
    spoiled = sum(state["nonfinite"] for state in states)
    shapes = (site.shape[1:] for site in sites if site.role is Role.INPUT)
    return replace(
        every[0],
        source=", ".join(dict.fromkeys(data.source for data in every)),
        samples=sum(data.samples for data in every),
        batches=sum(data.batches for data in every),
        labels=sum(data.labels for data in every),
        sample_shape=next(shapes, None),
        notes=(*notes, *nonfinite_note(spoiled)),
        padding=padding.to_record(),
    )


def called(scans: Sequence[Scan]) -> tuple[ModuleInfo, ...]:
    """The modules with the calls of all parts."""
    several = zip(*(scan.modules for scan in scans), strict=True)
    return tuple(replace(same[0], calls=sum(one.calls for one in same)) for same in several)


def coverage_of(
    scans: Sequence[Scan],
    states: States,
    parameters: Mapping[str, tuple[int, bool]],
    sites: Sites,
    padding: PaddingMeter,
) -> Coverage:
    """What was seen in any of the parts; its note is written anew."""
    every = [scan.coverage for scan in scans]
    idle = set.intersection(*(set(one.modules_not_called) for one in every))
    share = share_of(parameters)
    widths = [name for state in states for name in state["width_changes"]]
    answers = (state["answer"] for state in states if state["answer"])
    left_out = sum(state["left_out"] for state in states)
    notes = [
        *states[0]["model_notes"],
        *filter(None, [next(answers, "")]),
        *([padding.note] if padding.masked else []),
        *remarks(share, list(dict.fromkeys((*widths, *sites.width_changes)))),
        *left_out_note(states[0]["takes"], left_out),
    ]
    found = (name for one in every for name in one.functions_not_captured)
    return replace(
        every[0],
        sites=len(sites),
        modules_not_called=tuple(name for name in every[0].modules_not_called if name in idle),
        functions_not_captured=tuple(dict.fromkeys(found)),
        parameters_seen=share,
        note=" ".join(notes),
        failure=every[-1].failure,
    )
