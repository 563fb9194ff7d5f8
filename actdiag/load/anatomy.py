"""What a model file is made of, told without running anything from it and without trust."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.errors import ModelFileError, RefusedError, UsageError
from actdiag.load import examine, huggingface, is_code, load_model
from actdiag.load.build import PROPOSED
from actdiag.load.formats import legacy, zipped
from actdiag.load.graph import layers_of_program
from actdiag.load.inert import read_inert
from actdiag.load.layers import layers_of_module, layers_of_state
from actdiag.load.outline import Outline, outline
from actdiag.load.scripted import functions_by_class
from actdiag.load.source import open_model_file
from actdiag.load.training import training_facts
from actdiag.records import Layer, TrustVerdict
from actdiag.text import printable

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.load.result import LoadedModel

_NOT_TOLD = "Its layers can't be told without loading it."
_OUTLINED = "Its layers were read off the file without loading it; values of weights were not read."
_FACTORY_UNUSED = "--model was not used, since the file would have to be trusted."
_ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "activation", "act_fn")


@dataclass(frozen=True)
class Anatomy:
    """A file's facts and its layers.

    Attributes:
        path: as given, safe to print.
        format: the format's name in the report.
        title: what a person calls it.
        trust: what loading it would take.
        size: bytes; null for a model that code builds.
        sha256: hash of the file, or null.
        opened: whether its content was loaded; else it was only outlined.
        class_name: of the model, or ``""``.
        layers: parents before their children.
        training: what the checkpoint says of its training.
        sees_functions: whether functions called in the forward are among the layers' functions.
        config: activation functions that a configuration beside the weights names, by key.
        proposal: code of a factory, where names and shapes prove a plain network.
        notes: what the user should know.
    """

    path: str
    format: str
    title: str
    trust: TrustVerdict
    size: int | None = None
    sha256: str | None = None
    opened: bool = True
    class_name: str = ""
    layers: tuple[Layer, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    sees_functions: bool = False
    config: dict[str, str] = field(default_factory=dict)
    proposal: str = ""
    notes: tuple[str, ...] = ()


def anatomy(
    path: str,
    *,
    factory: str | None = None,
    factory_args: dict[str, Any] | None = None,
    partial: bool = False,
) -> Anatomy:
    """Look at a model file, a Hugging Face folder or the user's own factory.

    Nothing from the file runs; ``factory`` is the user's own code and does.

    Raises:
        ModelFileError: it is no model file, is damaged, or doesn't fit the factory.
        UsageError: the arguments can't be meant as given.
    """
    options: dict[str, Any] = {"factory": factory, "factory_args": factory_args, "partial": partial}
    if is_code(path):
        built = Anatomy(printable(path), "factory", "built by Python code", TrustVerdict(safe=True))
        return _loaded(built, load_model(path, **options))
    found = examine(path)
    verdict = TrustVerdict(found.verdict.safe, found.verdict.wants, found.verdict.why)
    start = Anatomy(found.path, found.format, found.title, verdict, found.size, found.sha256)
    if found.format == "huggingface":
        return _of_folder(start, Path(path), factory)
    try:
        return _loaded(start, load_model(path, **options))
    except RefusedError as refusal:
        trust = TrustVerdict(False, refusal.wants, _why(refusal), refusal.hint)  # noqa: FBT003
    except ModelFileError as error:
        if found.verdict.safe:
            raise
        trust = replace(verdict, advice=error.hint)
    start = _outlined(replace(start, trust=trust, opened=False), path)
    return replace(start, notes=(*start.notes, _FACTORY_UNUSED)) if factory else start


def _why(refusal: RefusedError) -> str:
    """The reason of a refusal, without the names that it wants, which are told beside it."""
    if not refusal.wants:
        return refusal.message
    _, told, calls = refusal.message.partition("What the file would do: ")
    why = "loading it would run code from outside torch.nn"
    return f"{why}. {told}{calls}" if told else f"{why}."


def _loaded(start: Anatomy, loaded: LoadedModel) -> Anatomy:
    module = loaded.module
    layers = layers_of_state(loaded.state) if module is None else layers_of_module(module)
    return replace(
        start,
        format=loaded.info.format,
        class_name=loaded.info.class_name,
        layers=layers,
        training=loaded.info.training,
        proposal=loaded.proposal,
        notes=tuple(note.removesuffix(PROPOSED) for note in loaded.notes),
    )


def _outlined(start: Anatomy, path: str) -> Anatomy:
    """Everything that can be told of a file that may not be loaded."""
    file = open_model_file(path)
    archive = file.archive
    try:
        if start.format == "exported-program" and archive is not None:
            layers = layers_of_program(archive)
            sketch, sees = Outline(layers, whole=True), True
        elif archive is not None and start.format != "package":
            called = functions_by_class(archive)
            sketch = outline(read_inert(zipped.read_pickle(file)), called, file.part)
            sees = start.format == "torchscript"
        elif archive is None:
            stream = legacy.survey(file)
            with file.path.open("rb") as opened:
                opened.seek(stream.start)
                raw = opened.read(max(0, stream.end - stream.start))
            sketch, sees = outline(read_inert(raw), part=file.part), False
        else:
            sketch, sees = Outline(), False
    except ValueError as error:
        return replace(start, notes=(f"{_NOT_TOLD} ({printable(error)})",))
    root = sketch.layers[0] if sketch.layers else None
    return replace(
        start,
        format="state-dict" if root and not sketch.whole else start.format,
        class_name=(root.class_name or "") if root else "",
        layers=sketch.layers,
        training=training_facts(sketch.rest),
        sees_functions=sees,
        notes=(_OUTLINED if root else _NOT_TOLD,),
    )


def _of_folder(start: Anatomy, folder: Path, factory: str | None) -> Anatomy:
    """A Hugging Face folder: its weights' names and shapes, and what its configuration says."""
    if factory is not None:
        message = f"{start.path} says itself which class it needs, so --model has no place."
        raise UsageError(message, hint="Give its weights file to use a class of your own.")
    config = huggingface.read_config(folder)
    named = config.get("architectures")
    class_name = printable(named[0]) if isinstance(named, list) and named else ""
    start = replace(start, class_name=class_name, config=_configured(config))
    if not start.trust.safe:
        advice = "Weights need no code: ask for safetensors."
        trust = replace(start.trust, advice=advice)
        return replace(start, trust=trust, opened=False, notes=(_NOT_TOLD,))
    state: dict[str, Tensor] = {}
    for weights in huggingface.weight_files(folder):
        state |= load_model(str(weights)).state
    return replace(start, layers=layers_of_state(state))


def _configured(config: dict[str, Any]) -> dict[str, str]:
    rows = {key: functions.find(str(config[key])) for key in _ACTIVATIONS if key in config}
    return {key: row.name for key, row in rows.items() if row is not None}
