"""A Lightning checkpoint: ``torch.save`` of a dictionary that names Lightning's version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.load.build import build
from actdiag.load.format import Format, Request
from actdiag.load.formats.zipped import LIGHTNING, examine, is_zipped_pickle, read, read_pickle
from actdiag.load.nested import find_weights

if TYPE_CHECKING:
    from actdiag.load.result import LoadedModel
    from actdiag.load.source import ModelFile

TITLE = "a Lightning checkpoint"
# Lightning's own names for what the module was built with, of today and of older versions.
ARGUMENTS = ("hyper_parameters", "module_arguments", "hparams")


def recognises(file: ModelFile) -> bool:
    """Whether its pickle names the version of Lightning that wrote it."""
    return is_zipped_pickle(file) and LIGHTNING in read_pickle(file)


def load(file: ModelFile, request: Request) -> LoadedModel:
    """Read it; the hyper-parameters it holds are arguments for the factory, where it has them."""
    with request.opened_factory() as factory:
        contents = find_weights(read(file, request, factory), str(file.path), file.part)
        arguments = _arguments(contents.rest)
        loaded = build(file, request, factory, contents, "lightning", arguments)
        if factory is not None and (used := factory.accepts(arguments)):
            names = ", ".join(sorted(name for name in used if name not in request.factory_args))
            note = f"Arguments taken from the checkpoint's hyper-parameters: {names}."
            loaded.notes = (*loaded.notes, note) if names else loaded.notes
        return loaded


def _arguments(rest: dict[str, Any]) -> dict[str, Any]:
    for key in ARGUMENTS:
        found = rest.get(key)
        if isinstance(found, dict):
            return {name: value for name, value in found.items() if isinstance(name, str)}
    return {}


FORMAT = Format("lightning", TITLE, recognises, load, examine, parts=True)
