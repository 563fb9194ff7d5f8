"""How the scale of the signal develops along the linear and convolutional layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import Role, Site
from actdiag.rules.graph import Graph, is_embedding, is_weight_layer, takes_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Step:
    """A layer and how the signal came to its scale.

    Attributes:
        site: the linear or convolutional layer.
        rms: rms of its output.
        start: the input, embedding or norm where the scale was last set.
        start_rms: its rms, but at least 1: a tiny signal has a bias for company.
        depth: layers from there to here, this one included.
        run: how many of the last layers, this one included, each changed the rms by the factor
            that was asked about.
    """

    site: Site
    rms: float
    start: Site
    start_rms: float
    depth: int
    run: int


@dataclass(frozen=True, slots=True)
class _Signal:
    """What is known of the signal behind a site."""

    rms: float
    start: Site
    start_rms: float
    depth: int
    run: int


def steps_along(graph: Graph, factor: float) -> Iterator[Step]:
    """Every layer whose path to a start is known, in execution order.

    ``factor`` above 1 counts runs of layers that each multiply the rms by at least that much;
    below 1, runs that each multiply it by at most that much. Where paths meet, the one with the
    larger rms counts: it carries the signal past a branch that adds nothing, as a fresh LoRA does.
    """
    growing = factor > 1
    signals: dict[str, _Signal] = {}
    for site in graph.sites.values():
        rms = site.stats.rms
        if _is_start(site):
            if rms is not None and takes_numbers(site):
                signals[site.name] = _Signal(rms, site, max(rms, 1.0), 0, 0)
            continue
        arriving = [signals[name] for name in site.inputs if name in signals]
        if not arriving:
            continue
        signal = max(arriving, key=lambda one: one.rms)
        if is_weight_layer(site) and rms is not None:
            change = rms / signal.rms if signal.rms else 0.0
            changed = change >= factor if growing else change <= factor
            run = signal.run + 1 if changed else 0
            signal = _Signal(rms, signal.start, signal.start_rms, signal.depth + 1, run)
            yield Step(site, rms, signal.start, signal.start_rms, signal.depth, run)
        signals[site.name] = signal


def _is_start(site: Site) -> bool:
    return site.role in (Role.INPUT, Role.NORM) or is_embedding(site)
