"""TorchScript: a traced or scripted module with code of its own (``torch.jit.save``)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from actdiag.load.build import build
from actdiag.load.format import Format, Request, Verdict, readable
from actdiag.load.nested import Contents
from actdiag.load.trust import Trust, demand_everything

if TYPE_CHECKING:
    from actdiag.load.result import LoadedModel
    from actdiag.load.source import ModelFile

TITLE = "a TorchScript archive"
WHY = (
    "a scripted model brings its own code, which runs on loading and in the forward pass, outside "
    "Python's reach"
)


def recognises(file: ModelFile) -> bool:
    """Whether a zip archive holds TorchScript's constants and code."""
    archive = file.archive
    return archive is not None and "constants.pkl" in archive


def examine(_file: ModelFile, trust: Trust) -> Verdict:
    """It is code."""
    return Verdict(why="" if trust.everything else WHY)


def load(file: ModelFile, request: Request) -> LoadedModel:
    """Load it where it is trusted; see :func:`actdiag.load.load_model` for what is raised."""
    demand_everything(str(file), TITLE, WHY, request.trust)
    with readable(file, TITLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jit: Any = torch.jit
        module = jit.load(str(file.path), map_location="cpu")
    with request.opened_factory() as factory:
        return build(file, request, factory, Contents(module=module), "torchscript")


FORMAT = Format("torchscript", TITLE, recognises, load, examine)
