"""From what a file holds to a :class:`LoadedModel`: the same for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError
from actdiag.load.facts import class_name, counted
from actdiag.load.fill import filled
from actdiag.load.fit import unwrapped
from actdiag.load.naming import rename_layers
from actdiag.load.nested import PLACES, Contents, optimizers
from actdiag.load.propose import propose
from actdiag.load.result import LoadedModel
from actdiag.load.training import training_facts
from actdiag.records import ModelInfo
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn

    from actdiag.load.factory import Factory
    from actdiag.load.format import Request
    from actdiag.load.source import ModelFile

PROPOSED = " The names and shapes fit a plain network; actdiag inspect shows its code."


def build(
    file: ModelFile,
    request: Request,
    factory: Factory | None,
    contents: Contents,
    format_name: str,
    arguments: dict[str, Any] | None = None,
) -> LoadedModel:
    """Make the module live, count it, and gather what the checkpoint says of its training.

    Args:
        file: where it came from.
        request: what the caller asked for.
        factory: the user's factory, opened, if any.
        contents: what the file holds.
        format_name: the report's name of the format.
        arguments: what the file itself says about the factory's arguments.

    Raises:
        ModelFileError: the factory fails, or the weights don't fit what it builds.
    """
    module, state, notes = contents.module, contents.state, []
    if contents.place and contents.place not in PLACES and not file.part:
        notes.append(f"The weights were found under {printable(contents.place)!r}.")
    if contents.others:
        other = " and ".join(map(repr, contents.others[:4]))
        notes.append(f"The file also holds weights under {other}, which were not read.")
        if not file.part:
            notes.append(f"To read those, name them after the file: FILE:{contents.others[0]}.")
    if factory is not None and (module is None or not _is_at_home(module, factory)):
        given = {**factory.accepts(arguments or {}), **request.factory_args}
        if module is not None:
            state = dict(module.state_dict())
            notes.append(
                f"The file holds a whole module; its weights were put into {factory.code}."
            )
        module, more = filled(file, request, factory, state, given)
        notes += more
    elif module is None:
        state = unwrapped(state)
    else:
        rename_layers(module)
    optimizer = next(optimizers(contents.rest), None)
    proposal = propose(state) if module is None else ""
    if module is None:
        notes.append(_what_to_add(proposal))
    return LoadedModel(
        module=None if module is None else moved(module, request.device),
        info=describe(file, format_name, module, state, notes, training_facts(contents.rest)),
        state=state,
        optimizer=optimizer,
        proposal=proposal,
        source_files=factory.source_files if factory else (),
        notes=tuple(notes),
    )


def describe(
    file: ModelFile,
    format_name: str,
    module: nn.Module | None,
    state: dict[str, Tensor],
    notes: Iterable[str],
    training: dict[str, Any] | None = None,
) -> ModelInfo:
    """The facts about a file for the report."""
    return ModelInfo(
        path=str(file),
        format=format_name,
        class_name="" if module is None else class_name(module),
        sha256=file.sha256(),
        training=training or {},
        notes=tuple(notes),
        **counted(module, state),
    )


def moved(module: nn.Module, device: str) -> nn.Module:
    """The module on its device.

    Raises:
        UsageError: there is no such device here.
    """
    try:
        return module if device == "cpu" and not _elsewhere(module) else module.to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = printable(str(error).partition("\n")[0])
        message = f"--device {printable(device)}: the model can't be moved there ({first})."
        raise UsageError(message, hint="Use --device cpu, or auto.") from None


def _elsewhere(module: nn.Module) -> bool:
    return any(item.device.type != "cpu" for item in [*module.parameters(), *module.buffers()])


def _is_at_home(module: nn.Module, factory: Factory) -> bool:
    """Whether the factory only tells where the class of a whole module is defined."""
    target = factory.target
    own_class = isinstance(target, type) and isinstance(module, target)
    return own_class or type(module).__module__ == factory.home.__name__


def _what_to_add(proposal: str) -> str:
    note = (
        "The file holds weights but not the model's code, so nothing can be run. Add --model "
        "FILE.py:NAME (a class or function that builds the module) for the rest."
    )
    if proposal:
        note += PROPOSED
    return note
