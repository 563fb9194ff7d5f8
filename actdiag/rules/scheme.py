"""Which scale a weight should have, by what follows the layer that it belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.records import Role, Scan, Site, WeightStats
from actdiag.rules.graph import WEIGHTED, Graph, is_weight_layer, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MATRIX = 2
MIXING_KINDS = frozenset({"linear", "conv", "transposed-conv", "recurrent", "attention"})
SINES = frozenset({"sin", "sine", "snake", "cos"})


@dataclass(frozen=True, slots=True)
class Layer:
    """A weight matrix and the layer it belongs to.

    ``scheme`` is ``he`` or ``xavier`` where what follows tells, ``site`` the layer's first call,
    ``follower`` what the layer feeds in words.
    """

    weight: WeightStats
    scheme: str
    follower: str
    site: Site | None

    @property
    def ratio(self) -> float | None:
        """Measured std over the scheme's, or over the other scheme's where that is nearer to 1.

        Both schemes keep a signal's scale, one for the forward pass, the other between forward
        and backward; where fan_in and fan_out differ much either alone calls sound weights wrong
        (torch's own default for Linear(1, 1000) is 13 times Xavier's).
        """
        ratios = [one for one in (self.weight.he_ratio, self.weight.xavier_ratio) if one]
        return min(ratios, key=lambda one: abs(math.log(one)), default=None)


def matrices(scan: Scan) -> Iterator[WeightStats]:
    """Trainable weights (all, if the whole model is frozen) of layers that mix their inputs."""
    frozen = not any(weight.trainable for weight in scan.weights)
    for weight in scan.weights:
        mixes = weight.kind in MIXING_KINDS and len(weight.shape) >= MATRIX
        if mixes and (weight.trainable or frozen):
            yield weight


def layers(scan: Scan) -> Iterator[Layer]:
    """The matrices whose right scale is known: not those that a norm, a sum or a sine follows."""
    graph = Graph.of(scan)
    calls: dict[str, Site] = {}
    for call in scan.sites:
        if is_weight_layer(call) or call.role is Role.RECURRENT:
            calls.setdefault(call.module, call)
    for weight in matrices(scan):
        site = calls.get(weight.module)
        if not scan.sites or not graph.known:
            yield Layer(weight, "he", "an unknown function", None)
        elif site is not None and (wanted := _wanted(graph, site)) is not None:
            yield Layer(weight, *wanted, site)


def _wanted(graph: Graph, site: Site) -> tuple[str, str] | None:
    """The scheme and the reason for it; None where the layer's scale does not matter or show."""
    if site.role is Role.RECURRENT:
        return "xavier", "its own gates"
    if graph.is_normalised(site):
        return None
    follower = graph.activation_after(site)
    row = None if follower is None else row_of(follower)
    if follower is not None and row is not None:
        return None if row.name in SINES else (row.initialisation, row.title)
    if site.is_final:
        return "xavier", "the output"
    straight = [user for user in graph.consumers(site) if user.straight and user.role in WEIGHTED]
    return ("xavier", "the next linear layer") if straight else None
