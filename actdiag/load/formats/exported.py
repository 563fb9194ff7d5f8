"""``torch.export.save``: an exported program (``.pt2``)."""

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

TITLE = "an exported program (.pt2)"
WHY = (
    "torch.export.load unpickles parts of it without restriction, and it may hold compiled native "
    "code"
)
SIGNS = ("archive_format", "serialized_exported_program.json", "models/model.json")


def recognises(file: ModelFile) -> bool:
    """Whether a zip archive holds a serialized program."""
    archive = file.archive
    return archive is not None and any(sign in archive for sign in SIGNS)


def examine(_file: ModelFile, trust: Trust) -> Verdict:
    """Loading it may run code."""
    return Verdict(why="" if trust.everything else WHY)


def load(file: ModelFile, request: Request) -> LoadedModel:
    """Load it where it is trusted; see :func:`actdiag.load.load_model` for what is raised."""
    demand_everything(str(file), TITLE, WHY, request.trust)
    with readable(file, TITLE), warnings.catch_warnings(), file.path.open("rb") as opened:
        warnings.simplefilter("ignore")
        source: Any = opened
        module = torch.export.load(source).module()
    with request.opened_factory() as factory:
        return build(file, request, factory, Contents(module=module), "exported-program")


FORMAT = Format("exported-program", TITLE, recognises, load, examine)
