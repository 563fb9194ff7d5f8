"""A Hugging Face folder: ``config.json`` beside the weights (extra ``hf``)."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import warnings
from typing import TYPE_CHECKING, Any

from actdiag.errors import ModelFileError, RefusedError, UsageError
from actdiag.load.build import moved
from actdiag.load.facts import class_name, counted
from actdiag.load.format import Examination, Verdict, readable
from actdiag.load.formats import all_formats
from actdiag.load.misfit import Misfit, explain
from actdiag.load.result import LoadedModel
from actdiag.load.source import open_model_file
from actdiag.records import ModelInfo
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actdiag.load.format import Request
    from actdiag.load.trust import Trust

TITLE = "a Hugging Face folder"
CONFIG = "config.json"
PATTERNS = ("model*.safetensors", "pytorch_model*.bin")


def is_folder_of_model(folder: Path) -> bool:
    """Whether there is a configuration in the folder."""
    return (folder / CONFIG).is_file()


def load_folder(folder: Path, request: Request) -> LoadedModel:
    """Build the class that the configuration names and give it its weights.

    Raises:
        ModelFileError: the folder lacks something, or is damaged.
        RefusedError: it brings code of its own, or its weights do, and that is not allowed.
        UsageError: transformers is not installed, or a factory was given.
    """
    if request.factory is not None:
        message = f"{printable(folder)} says itself which class it needs, so --model has no place."
        raise UsageError(message, hint="Give its weights file to use a class of your own.")
    config, weights = read_config(folder), weight_files(folder)
    _demand(_verdict(folder, config, weights, request.trust))
    cls = _class(folder, config, request)
    with readable(printable(folder), TITLE), _quiet(_transformers(folder)):
        module, found = cls.from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=request.trust.everything,
            output_loading_info=True,
        )
    notes = _fit_notes(folder, found, partial=request.partial)
    info = ModelInfo(
        path=printable(folder),
        format="huggingface",
        class_name=class_name(module),
        sha256=_hash(weights),
        notes=tuple(notes),
        **counted(module, {}),
    )
    return LoadedModel(moved(module, request.device), info, notes=tuple(notes))


def read_config(folder: Path) -> dict[str, Any]:
    """The settings beside the weights.

    Raises:
        ModelFileError: they can't be read.
    """
    with readable(printable(folder / CONFIG), "a configuration"):
        config = json.loads((folder / CONFIG).read_bytes())
    if not isinstance(config, dict):
        raise ModelFileError(f"{printable(folder / CONFIG)} is no table of settings.")
    return config


def weight_files(folder: Path) -> list[Path]:
    """The file of the weights, or its shards in order.

    Raises:
        ModelFileError: there is none.
    """
    for pattern in PATTERNS:
        if found := sorted(folder.glob(pattern)):
            return found
    hint = "It needs model.safetensors or pytorch_model.bin beside its config.json."
    raise ModelFileError(f"{printable(folder)} has a config.json but no weights.", hint=hint)


def examine_folder(folder: Path, trust: Trust) -> Examination:
    """What loading the folder would take, without loading anything."""
    weights = weight_files(folder)
    verdict = _verdict(folder, read_config(folder), weights, trust)
    size = sum(path.stat().st_size for path in weights)
    return Examination(printable(folder), "huggingface", TITLE, size, _hash(weights), verdict)


def _verdict(folder: Path, config: dict[str, Any], weights: list[Path], trust: Trust) -> Verdict:
    own_code = config.get("auto_map")
    if own_code and not trust.everything:
        values = own_code.values() if isinstance(own_code, dict) else ()
        why = f"{printable(folder)} brings Python code of its own that would run"
        return Verdict(tuple(printable(value) for value in values), why)
    for path in weights:
        file = open_model_file(path)
        claimed = next((item for item in all_formats() if item.recognises(file)), None)
        verdict = claimed.examine(file, trust) if claimed else Verdict()
        if not verdict.safe:
            why = f"{file} would run code from outside torch.nn"
            return Verdict(verdict.wants, why)
    return Verdict()


def _demand(verdict: Verdict) -> None:
    if not verdict.safe:
        hint = "Weights need no code: ask for safetensors. If you trust its source, add --trust."
        raise RefusedError(f"Not loaded: {verdict.why}.", wants=verdict.wants, hint=hint)


def _transformers(folder: Path) -> Any:
    if importlib.util.find_spec("transformers") is None:
        message = f"{printable(folder)} is {TITLE}, and transformers is not installed."
        raise UsageError(message, hint='Install it: pip install "torch-actdiag[hf]".')
    return importlib.import_module("transformers")


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bars and no reports of its own: what matters of them is in our notes."""
    said = transformers.utils.logging
    verbosity, bars = said.get_verbosity(), said.is_progress_bar_enabled()
    said.set_verbosity_error()
    said.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        said.set_verbosity(verbosity)
        if bars:
            said.enable_progress_bar()


def _class(folder: Path, config: dict[str, Any], request: Request) -> Any:
    transformers = _transformers(folder)
    named = config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    if request.trust.everything and config.get("auto_map"):
        return transformers.AutoModel
    cls = getattr(transformers, name, None) if name.isidentifier() else None
    if not (isinstance(cls, type) and issubclass(cls, transformers.PreTrainedModel)):
        said = f"the class {printable(name)}, which" if name else "no class, so it"
        message = f"{printable(folder)} names {said} transformers {transformers.__version__} lacks."
        raise ModelFileError(message, hint="Check architectures in config.json, or update it.")
    return cls


def _fit_notes(folder: Path, found: dict[str, Any], *, partial: bool) -> list[str]:
    """What didn't fit; transformers itself starts what is missing from random numbers."""
    shapes = {
        printable(name): (tuple(theirs), tuple(ours))
        for name, theirs, ours in found.get("mismatched_keys", ())
    }
    missing = tuple(printable(name) for name in sorted(found.get("missing_keys", ())))
    extra = tuple(printable(name) for name in sorted(found.get("unexpected_keys", ())))
    if not (missing or shapes or extra):
        return []
    report = explain(Misfit(missing, extra, shapes), {"": None})
    if (missing or shapes) and not partial:
        message = f"The weights in {printable(folder)} don't fit its own class.\n{report.listing}"
        raise ModelFileError(message, hint=report.reason)
    return [f"Loaded in part: {report.listing.strip()}"]


def _hash(weights: list[Path]) -> str:
    """Hash of the weights: the file's own, or of the hashes of its shards in order."""
    hashes = [open_model_file(path).sha256() for path in weights]
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
