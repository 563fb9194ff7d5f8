"""Each peer under one roof: how it watches a network, and what it has to tell afterwards.

Only what a peer is imported where it runs, in an environment of its own.
"""

from __future__ import annotations

import contextlib
import io
import re
from abc import ABC, abstractmethod
from importlib import import_module
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers import PEERS

Told = dict[str, dict[str, Any]]
"""By layer, each statistic by its name: a number, or an array of them."""


class Adapter(ABC):
    """A peer that watches one network, which is its own copy."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.leaves = {name: item for name, item in model.named_modules() if not [*item.children()]}

    def run(self, batch: Tensor, _samples: int) -> object:
        """One pass."""
        return self.model(batch)

    @abstractmethod
    def told(self) -> Told:
        """What it tells of the passes so far."""


class Fastai(Adapter):
    """The callback's own hook, registered by fastai's own hooks; it keeps each batch apart."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        hook = import_module("fastai.callback.hook")
        self.stats = hook.ActivationStats(with_hist=True)
        modules = list(self.leaves.values())
        self.hooks = hook.Hooks(modules, self.stats.hook, True, True, True)  # noqa: FBT003 - as it calls it
        self.kept: list[Any] = []

    def run(self, batch: Tensor, _samples: int) -> object:
        """One pass; what the hooks have stored is kept, as after each batch of a training."""
        made = self.model(batch)
        self.kept.append(self.hooks.stored)
        return made

    def told(self) -> Told:
        """Mean and deviation of each leaf; those of the last batch stand last."""
        return dict(zip(self.leaves, self.kept[-1], strict=True))


class TorchLens(Adapter):
    """A trace of each pass, of which mean and deviation are taken; the last trace is kept."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.trace_of = import_module("torchlens").trace
        self.found: Told = {}

    def run(self, batch: Tensor, _samples: int) -> object:
        """Trace one pass."""
        self.trace = self.trace_of(self.model, batch)
        self.found = {}
        for label in self.trace.layer_labels:
            out = self.trace[label].out
            if isinstance(out, Tensor) and out.is_floating_point():
                self.found[label] = {"mean": out.mean().item(), "std": out.std().item()}
        return self.trace

    def told(self) -> Told:
        """Mean and deviation, and the tensors themselves, of the last pass."""
        tensors = {label: self.trace[label].out for label in self.found}
        return {label: {**found, "values": tensors[label]} for label, found in self.found.items()}


class HuggingFace(Adapter):
    """Least and greatest size of weights, inputs and outputs, as text; the last 21 frames."""

    _FRAME = re.compile(r"^ +(\S*) \w+$")
    _LINE = re.compile(r"^(\S+) +(\S+) output$")

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        with contextlib.redirect_stdout(io.StringIO()):
            self.debug = import_module("transformers.debug_utils").DebugUnderflowOverflow(model)

    def told(self) -> Told:
        """Of each module among the last frames."""
        found: Told = {}
        name = ""
        for line in "\n".join(self.debug.frames).splitlines():
            if frame := self._FRAME.match(line):
                name = frame[1]
            elif values := self._LINE.match(line):
                found[name] = {"least size": float(values[1]), "greatest size": float(values[2])}
        return found


class Histograms(Adapter):
    """As wandb's hooks: finite values, their ends, and a histogram of 64 bins brought over."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.found: Told = {}
        for name, leaf in self.leaves.items():
            leaf.register_forward_hook(lambda _m, _i, made, name=name: self._log(name, made))

    def _log(self, name: str, made: object) -> None:
        for tensor in made if isinstance(made, tuple) else (made,):
            if isinstance(tensor, Tensor):
                flat = tensor.detach().reshape(-1)
                flat = flat[torch.isfinite(flat)]
                low, high = flat.min().item(), flat.max().item()
                counts = torch.histc(flat.float(), 64, low, high).cpu().tolist()
                edges = torch.linspace(low, high, 65).tolist()
                self.found[name] = {"histogram": counts, "edges": edges}

    def told(self) -> Told:
        """The histogram of the last batch."""
        return self.found


class Delve(Adapter):
    """Covariances of linear and convolutional layers and LSTMs, over all batches."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        delve = import_module("delve")
        self.found: dict[str, Any] = {}
        base = import_module("delve.writers").AbstractWriter
        methods = {name: lambda *_, **__: None for name in base.__abstractmethods__}
        writer = type("Writer", (base,), methods)()
        writer.add_scalars = lambda value_dict, **_: self.found.update(value_dict)
        stats = ["lsat", "idim", "trc"]
        self.tracker = delve.SaturationTracker(
            "unused", save_to=writer, modules=model, device="cpu", stats=stats
        )

    def told(self) -> Told:
        """Saturation, dimensionality and trace of the covariance of each layer."""
        self.tracker.add_saturations(save=False)
        told: Told = {}
        for name, value in self.found.items():
            kind, _, layer = name.partition("_")
            told.setdefault(layer.replace("-", "."), {})[kind.removeprefix("eval-")] = float(value)
        return told


ADAPTERS: dict[str, type[Adapter]] = {
    "fastai": Fastai,
    "TorchLens": TorchLens,
    "Hugging Face": HuggingFace,
    "wandb-style": Histograms,
    "delve": Delve,
}


def release(name: str) -> str:
    """The version that is installed."""
    distribution = PEERS[name].distribution
    return version(distribution) if distribution else ""
