"""How the sites of a Scan hang together: who feeds whom, as pure look-ups."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.records import OutputStats, Role, Scan, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.functions.row import ActivationFunction

WEIGHTED = frozenset({Role.LINEAR, Role.CONV})
ACTIVE = frozenset({Role.ACTIVATION, Role.GATE})
SAME_SCALE = 1e-3  # answers that are left out of the output's numbers make a little difference
# Shares of a variance that rounding makes: of means in float64, and of what layers give in float32,
# where batches of another size round otherwise.
OF_MEANS, OF_LAYERS = 1e-24, 1e-10
SHARES = frozenset({"softmax", "softmin", "softmax2d"})
SOFTMAXES = SHARES | {"log_softmax"}
PASSING_CLASSES = ("Flatten", "Unflatten", "Identity", "Dropout", "AvgPool", "MaxPool", "Pad")


def row_of(site: Site) -> ActivationFunction | None:
    """The catalogue's row of the site's function, if it is an activation function."""
    if site.function is None or site.role in WEIGHTED:
        return None  # the catalogue has a row "linear" too
    return functions.find(site.function)


def is_embedding(site: Site) -> bool:
    """Whether the site looks rows up in a table instead of mixing its input."""
    return "Embedding" in site.module_class


def is_weight_layer(site: Site) -> bool:
    """A linear or convolutional layer."""
    return site.role in WEIGHTED and not is_embedding(site)


def passes_on(site: Site) -> bool:
    """A layer that neither mixes units nor bends values much: a view, a dropout, a pooling."""
    return site.role is Role.BLOCK and any(word in site.module_class for word in PASSING_CLASSES)


@dataclass(frozen=True)
class Graph:
    """The sites by name, in execution order, and their consumers."""

    sites: dict[str, Site]
    consumer_names: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, scan: Scan) -> Graph:
        """The graph of a Scan."""
        consumers: dict[str, list[str]] = defaultdict(list)
        for site in scan.sites:
            for name in site.inputs:
                consumers[name].append(site.name)
        return cls(
            {site.name: site for site in scan.sites},
            {name: tuple(users) for name, users in consumers.items()},
        )

    @property
    def known(self) -> bool:
        """Whether any connection is known; a saved or scripted model may have none."""
        return bool(self.consumer_names)

    def producers(self, site: Site) -> tuple[Site, ...]:
        """The sites that this one's tensor was computed from."""
        return tuple(self.sites[name] for name in site.inputs if name in self.sites)

    def consumers(self, site: Site) -> tuple[Site, ...]:
        """The sites whose tensors were computed from this one."""
        return tuple(self.sites[name] for name in self.consumer_names.get(site.name, ()))

    def order(self) -> dict[str, int]:
        """Position of each site in the forward pass."""
        return {name: place for place, name in enumerate(self.sites)}

    def ancestors(self, site: Site) -> frozenset[str]:
        """Names of all sites that this one depends on."""
        seen: set[str] = set()
        waiting = list(site.inputs)
        while waiting:
            name = waiting.pop()
            if name in self.sites and name not in seen:
                seen.add(name)
                waiting.extend(self.sites[name].inputs)
        return frozenset(seen)

    def is_hidden(self, site: Site) -> bool:
        """Whether something in the model still uses this tensor."""
        return not site.is_final and (not self.known or bool(self.consumers(site)))

    def may_gate(self, site: Site) -> bool:
        """Whether this sigmoid may open and shut something else, through views of its values.

        The capture names gates by their product; where the product is out of sight, a function
        between 0 and 1 all of whose users take other tensors too is taken for one.
        """
        users, row = self.consumers(site), row_of(site)
        between = row is not None and row.output_range == (0.0, 1.0)
        return between and bool(users) and all(len(user.inputs) > 1 for user in users)

    def activation_after(self, site: Site) -> Site | None:
        """The activation that this layer's output goes into, through norms and pooling."""
        for user in self.consumers(site):
            if len(user.inputs) != 1:
                continue
            if user.role in ACTIVE:
                return user
            if user.role is Role.NORM or passes_on(user):
                return self.activation_after(user)
        return None

    def is_normalised(self, site: Site) -> bool:
        """Whether everything that uses this layer's output normalises it first."""
        users = self.consumers(site)
        return bool(users) and all(user.role is Role.NORM for user in users)

    def feeding(self, site: Site) -> Site | None:
        """The one site that feeds this one with nothing but linear operations in between."""
        producers = self.producers(site)
        return producers[0] if site.straight and len(producers) == 1 else None

    def source_of_units(self, site: Site) -> Site | None:
        """The site that feeds this one unit for unit: its statistics are of this one's input."""
        feeding = self.feeding(site)
        same = feeding is not None and feeding.units == site.units
        return feeding if same and feeding is not None and feeding.shape == site.shape else None

    def layer_before(self, site: Site) -> Site | None:
        """The linear or convolutional layer that feeds this activation, through norms and views."""
        feeding = self.feeding(site)
        while feeding is not None and not is_weight_layer(feeding):
            if feeding.role is not Role.NORM and not passes_on(feeding):
                return None
            feeding = self.feeding(feeding)
        return feeding

    def origins(self, site: Site) -> Iterator[Site]:
        """The nearest inputs and norms upstream: where the scale of this tensor was last set."""
        seen: set[str] = set()
        waiting = list(site.inputs)
        while waiting:
            name = waiting.pop()
            upstream = self.sites.get(name)
            if upstream is None or name in seen:
                continue
            seen.add(name)
            if upstream.role in (Role.INPUT, Role.NORM) or not upstream.inputs:
                yield upstream
            else:
                waiting.extend(upstream.inputs)


def final_site(scan: Scan) -> Site | None:
    """The site whose tensor is the model's answer, if it is known."""
    finals = [site for site in scan.sites if site.is_final]
    return finals[-1] if finals else None


def gives_the_answer(site: Site, output: OutputStats) -> bool:
    """Whether the model's answer is what this final site gave, not a multiple of it."""
    rms, scale = site.stats.rms, output.scale
    return rms is not None and scale is not None and abs(rms - scale) <= SAME_SCALE * rms


def input_sites(scan: Scan) -> tuple[Site, ...]:
    """The model's own inputs."""
    return tuple(site for site in scan.sites if site.role is Role.INPUT)


def takes_numbers(site: Site) -> bool:
    """Whether the tensor holds real numbers rather than token ids or masks."""
    return "float" in site.dtype


def inputs_differ(scan: Scan) -> bool:
    """Whether the samples that were fed differ from each other, as far as can be told.

    Samples that hold the same values at other positions have the same means, but what a layer
    makes of them differs.
    """
    seen = [site.stats for site in input_sites(scan) if site.stats.elements]
    if not seen:
        return scan.data.samples > 1
    if any((stats.between_sample or 0) > OF_MEANS for stats in seen):
        return True
    if all(stats.std == 0 for stats in seen):
        return False
    unknown = any(stats.between_sample is None for stats in seen)
    return unknown or any((site.stats.between_sample or 0) > OF_LAYERS for site in scan.sites)
