"""One tiny model, saved in every format that is a file: what the contract tests walk."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from safetensors.torch import save_file
from torch import nn

from actdiag.load import Trust, load_model
from actdiag.load.trust import NO_TRUST

if TYPE_CHECKING:
    from collections.abc import Callable

FACTORIES = str(Path(__file__).with_name("factories.py"))
TINY = f"{FACTORIES}:tiny"
TRUSTED = Trust(everything=True)


def load(path, **options) -> Any:
    """``load_model``, its result untyped: the tests know which modules they get."""
    return load_model(path if path is None else str(path), **options)


@dataclass(frozen=True)
class Saver:
    """Writes the model; says what must come out and what opening it takes."""

    write: Callable
    format: str
    trust: Trust = NO_TRUST
    factory: str | None = None


def tiny():
    """A trained-looking network in eval mode, the same each time."""
    generator = torch.Generator().manual_seed(7)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return model


def checkpoint(model, place, prefix=""):
    """A trainer's dictionary with the state dict under ``place``."""
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    for key in reversed(place.split(".")) if place == "model.state_dict" else [place]:
        state = {key: state}
    return {"epoch": 3, **state}


def saved(place=None, prefix="", **options):
    """A writer of a state dict, bare or under a key."""

    def write(model, path):
        held = checkpoint(model, place, prefix) if place else model.state_dict()
        torch.save(held, path, **options)

    return write


def lightning(model, path):
    """The entries that Lightning 2 writes."""
    document = checkpoint(model, "state_dict", "model.")
    document |= {
        "pytorch-lightning_version": "2.5.0",
        "global_step": 12,
        "hyper_parameters": {"width": 3, "lr": 0.5, "nothing_to_do_with_it": [1]},
        "optimizer_states": [],
    }
    torch.save(document, path)


def on_cuda(model, path):
    """A file whose tensors say that they were saved on a GPU, which needs no GPU to write."""
    with mock.patch("torch.serialization.location_tag", return_value="cuda:0"):
        torch.save(model.state_dict(), path)


def quietly(write):
    """Without torch's deprecation warnings."""

    def run(model, path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(model, path)

    return run


def exported(model, path):
    """A .pt2; torch wants that suffix while writing."""
    program = torch.export.export(model, (torch.zeros(2, 4),))
    with path.open("wb") as opened:
        torch.export.save(program, opened)


OLD = {"_use_new_zipfile_serialization": False}
SAVERS = {
    "module": Saver(torch.save, "pickled-module"),
    "module-legacy": Saver(lambda m, p: torch.save(m, p, **OLD), "pickled-module"),
    "module-in-dict": Saver(lambda m, p: torch.save({"model": m}, p), "pickled-module"),
    "module-parallel": Saver(lambda m, p: torch.save(nn.DataParallel(m), p), "pickled-module"),
    "state": Saver(saved(), "state-dict", factory=TINY),
    "state-legacy": Saver(saved(**OLD), "state-dict", factory=TINY),
    "state-cuda": Saver(on_cuda, "state-dict", factory=TINY),
    **{
        f"state-{place}": Saver(saved(place), "state-dict", factory=TINY)
        for place in ("state_dict", "model_state_dict", "model_state", "model", "net", "my_own")
    },
    "state-model.state_dict": Saver(saved("model.state_dict"), "state-dict", factory=TINY),
    "state-ddp": Saver(saved("model", "module."), "state-dict", factory=TINY),
    "state-compiled": Saver(saved("model", "_orig_mod."), "state-dict", factory=TINY),
    "state-both": Saver(saved("model", "_orig_mod.module."), "state-dict", factory=TINY),
    "lightning": Saver(lightning, "lightning", factory=f"{FACTORIES}:Lightning"),
    "lightning-inner": Saver(lightning, "lightning", factory=TINY),
    "safetensors": Saver(lambda m, p: save_file(m.state_dict(), p), "safetensors", factory=TINY),
    "scripted": Saver(
        quietly(lambda m, p: torch.jit.script(m).save(str(p))), "torchscript", TRUSTED
    ),
    "traced": Saver(
        quietly(lambda m, p: torch.jit.trace(m, torch.zeros(2, 4)).save(str(p))),
        "torchscript",
        TRUSTED,
    ),
    "exported": Saver(exported, "exported-program", TRUSTED),
    "module-trusted": Saver(torch.save, "pickled-module", TRUSTED),
    "module-protocol-4": Saver(
        lambda m, p: torch.save(m, p, pickle_protocol=4), "pickled-module", TRUSTED
    ),
}
