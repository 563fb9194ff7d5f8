"""Everything measured, in one record."""

from __future__ import annotations

from dataclasses import dataclass, field

from actdiag.records.about import Coverage, DataInfo, ModelInfo, ToolInfo
from actdiag.records.output import OutputStats
from actdiag.records.passes import Gradients, TrainEval, TrainingData
from actdiag.records.sites import GatedUnit, ModuleInfo, Site
from actdiag.records.weights import WeightStats


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds; the only part of a report that differs between equal runs.

    ``steps_s`` are those of each debug step that was carried out, by its id.
    """

    load_s: float = 0.0
    forward_s: float = 0.0
    total_s: float = 0.0
    steps_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything measured. Rules run on this alone, so a saved one can be judged again.

    ``lr`` is the learning rate that the user named, to judge the gradients by.
    """

    tool: ToolInfo
    model: ModelInfo
    data: DataInfo
    coverage: Coverage
    sites: tuple[Site, ...] = ()
    modules: tuple[ModuleInfo, ...] = ()
    output: OutputStats | None = None
    weights: tuple[WeightStats, ...] = ()
    gradients: Gradients | None = None
    train_eval: TrainEval | None = None
    training_data: TrainingData | None = None
    gated: tuple[GatedUnit, ...] = ()
    lr: float | None = None

    def site(self, name: str) -> Site:
        """The site of that name; raises KeyError when there is none."""
        for site in self.sites:
            if site.name == name:
                return site
        raise KeyError(name)
