"""From a path to a live model, without running what the user did not allow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag.errors import ModelFileError, UsageError
from actdiag.load import huggingface, usercode
from actdiag.load.allowing import check_allowed
from actdiag.load.build import moved
from actdiag.load.facts import class_name, counted
from actdiag.load.format import Examination, Format, Request, Verdict
from actdiag.load.formats import all_formats
from actdiag.load.result import LoadedModel
from actdiag.load.source import WEIGHT_SUFFIXES, ModelFile, divided, open_model_file
from actdiag.load.trust import NO_TRUST, Trust, check_torch
from actdiag.records import ModelInfo
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Examination", "LoadedModel", "Trust", "Verdict", "examine", "live_model", "load_model"]


def load_model(
    path: str | None,
    *,
    factory: str | None = None,
    factory_args: dict[str, Any] | None = None,
    trust: Trust = NO_TRUST,
    partial: bool = False,
    device: str = "cpu",
) -> LoadedModel:
    """Load a model from a file, a folder, or the user's own Python code.

    Args:
        path: a checkpoint, ``FILE:KEY`` for one of several weights in it (dots go deeper), a
            Hugging Face folder, or a factory ``FILE.py:NAME`` / ``PKG.MOD:NAME``;
            null when ``factory`` alone builds the model.
        factory: builds the module that a state dict is loaded into.
        factory_args: keyword arguments for the factory.
        trust: what the user allowed the file to run.
        partial: go on when only a part of a state dict fits.
        device: where the module goes, such as ``cpu`` or ``cuda:0``.

    Raises:
        ModelFileError: the file can't be read, or doesn't fit the factory, or the factory fails.
        RefusedError: loading would run code that the user did not allow.
        UsageError: the arguments can't be meant as given.
    """
    check_allowed(trust.names)
    request = Request(factory, dict(factory_args or {}), trust, partial, device)
    if path is None or is_code(path):
        if path is not None and factory is not None:
            message = f"{printable(path)} is Python code already, so --model has no place to go."
            raise UsageError(message, hint="Give the checkpoint as the model, or drop --model.")
        return _from_code(path if path is not None else factory, request)
    if huggingface.is_folder_of_model(Path(path)):
        return huggingface.load_folder(Path(path), request)
    file = open_model_file(path)
    found = recognise(file)
    _check_part(file, found)
    loaded = found.load(file, request)
    if warning := check_torch():
        loaded.notes = (*loaded.notes, warning)
    return loaded


def live_model(module: nn.Module) -> LoadedModel:
    """A module that is in memory already, as if it had been loaded."""
    facts = counted(module, {})
    info = ModelInfo(path=None, format="factory", class_name=class_name(module), **facts)
    return LoadedModel(module=module, info=info)


def examine(path: str, trust: Trust = NO_TRUST) -> Examination:
    """Say what a file is and what loading it would take, without running or loading anything.

    Raises:
        ModelFileError: it is no model file, or is damaged.
    """
    check_allowed(trust.names)
    if huggingface.is_folder_of_model(Path(path)):
        return huggingface.examine_folder(Path(path), trust)
    file = open_model_file(path)
    found = recognise(file)
    _check_part(file, found)
    verdict = found.examine(file, trust)
    name = found.name
    if name == "pickled-module" and not verdict.holds_module:
        name = "state-dict"
    return Examination(
        str(file), name, verdict.title or found.title, file.size, file.sha256(), verdict
    )


def recognise(file: ModelFile) -> Format:
    """The format of a file, told by its content.

    Raises:
        ModelFileError: it is none that is known.
    """
    for candidate in all_formats():
        if candidate.recognises(file):
            return candidate
    start = printable(file.head[:8].hex(" "))
    known = ", ".join(sorted({candidate.title for candidate in all_formats()}))
    message = f"{file} is no model file that actdiag knows (its first bytes are {start})."
    raise ModelFileError(message, hint=f"Known are {known}.")


def is_code(path: str) -> bool:
    """Whether the user's own Python code is meant, and no file that there is or part of one.

    ``model.pt:ema`` is a slip in a file's name rather than a module ``pt`` of a package ``model``.
    """
    code = usercode.parse(path)
    if code is None or Path(path).exists() or divided(path)[1]:
        return False
    return not code.where.endswith(WEIGHT_SUFFIXES[:3])


def _check_part(file: ModelFile, found: Format) -> None:
    if file.part and not found.parts:
        message = f"{found.title} has no parts by key, so :{printable(file.part)} has no place."
        raise ModelFileError(f"{printable(file.path)}: {message}", hint="Give the file alone.")


def _from_code(factory: str | None, request: Request) -> LoadedModel:
    if factory is None:
        raise UsageError("No model was given.", hint="Give a model file, or --model FILE.py:NAME.")
    with Request(factory).opened_factory() as opened:
        assert opened is not None  # noqa: S101 - for the type checker: a factory was given
        module = opened.build(request.factory_args)
        info = ModelInfo(
            path=printable(factory),
            format="factory",
            class_name=class_name(module),
            **counted(module, {}),
        )
        module = moved(module, request.device)
        return LoadedModel(module=module, info=info, source_files=opened.source_files)
