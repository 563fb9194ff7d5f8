"""From what a file holds to a :class:`LoadedModel`: the same for every format."""

from __future__ import annotations

import gc
from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from actdiag.errors import UsageError
from actdiag.load.fit import demand_fit, fit, load_into, unwrapped
from actdiag.load.naming import rename_layers
from actdiag.load.nested import PLACES, Contents, optimizers
from actdiag.load.propose import propose
from actdiag.load.result import LoadedModel
from actdiag.load.training import training_facts
from actdiag.records import ModelInfo
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actdiag.load.factory import Factory
    from actdiag.load.fit import Fitted
    from actdiag.load.format import Request
    from actdiag.load.source import ModelFile

# Our choice: from this size on a file is mapped and its module first built without memory. Below
# it, plain loading takes milliseconds and does not depend on the file staying as it is.
BIG = 1 << 26
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


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
    if contents.place and contents.place not in PLACES:
        notes.append(f"The weights were found under {printable(contents.place)!r}.")
    if factory is not None and (module is None or not _is_at_home(module, factory)):
        given = {**factory.accepts(arguments or {}), **request.factory_args}
        if module is not None:
            state = dict(module.state_dict())
            notes.append(
                f"The file holds a whole module; its weights were put into {factory.code}."
            )
        module, more = _filled(file, request, factory, state, given)
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


def class_name(module: nn.Module) -> str:
    """The class a person wrote; a scripted module knows it as ``original_name``."""
    original = getattr(module, "original_name", None)
    return printable(original if isinstance(original, str) else type(module).__name__)


def counted(module: nn.Module | None, state: dict[str, Tensor]) -> dict[str, Any]:
    """Numbers of parameters and their prevailing dtype.

    Of a bare state dict nobody knows what was trainable: all floating tensors count, except the
    statistics that normalisation layers gather.
    """
    if module is not None:
        tensors: list[Tensor] = [item for item in module.parameters() if not is_lazy(item)]
        trainable = sum(item.numel() for item in tensors if item.requires_grad)
    else:
        tensors = [
            item
            for name, item in state.items()
            if name.rpartition(".")[2] not in STATISTICS and item.is_floating_point()
        ]
        trainable = sum(item.numel() for item in tensors)
    sizes: Counter[str] = Counter()
    for item in tensors:
        sizes[str(item.dtype).removeprefix("torch.")] += item.numel()
    dtype = sizes.most_common(1)[0][0] if sizes else None
    return {"parameters": sum(sizes.values()), "trainable_parameters": trainable, "dtype": dtype}


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


def _filled(
    file: ModelFile,
    request: Request,
    factory: Factory,
    state: dict[str, Tensor],
    arguments: dict[str, Any],
) -> tuple[nn.Module, list[str]]:
    big = file.size >= BIG and not isinstance(factory.target, nn.Module)
    if big and (module := _without_memory(factory, arguments)) is not None:
        fitted = fit(state, module)
        if fitted.misfit.empty:
            load_into(module, fitted, assign=True)
            if not _left_without_memory():
                return module, [*fitted.notes, *_casts(fitted, module)]
            del module
    module = factory.build(arguments)
    fitted = fit(state, module)
    notes = demand_fit(str(file), str(factory.code), fitted, partial=request.partial)
    casts = _casts(fitted, module)
    load_into(module, fitted, assign=big)
    return module, [*notes, *casts]


def _without_memory(factory: Factory, arguments: dict[str, Any]) -> nn.Module | None:
    """The module on the meta device, or null when its code needs real numbers to be built."""
    try:
        with torch.device("meta"):
            return factory.build(arguments)
    except Exception:  # noqa: BLE001 - whatever it is, building it for real will tell
        return None


def _left_without_memory() -> bool:
    """Whether any tensor that is alive still lies on the meta device.

    State dicts leave out non-persistent buffers and plain attributes: such a tensor can be
    anywhere in the user's objects, so the garbage collector is asked.
    """
    gc.collect()
    return any(issubclass(type(item), Tensor) and item.is_meta for item in gc.get_objects())


def _casts(fitted: Fitted, module: nn.Module) -> list[str]:
    kinds = {
        (tensor.dtype, current.dtype)
        for name, current in module.state_dict().items()
        if (tensor := fitted.state.get(name)) is not None and tensor.dtype != current.dtype
    }
    return [
        f"Weights stored as {str(theirs).removeprefix('torch.')} were loaded into "
        f"{str(ours).removeprefix('torch.')} as the factory builds it."
        for theirs, ours in sorted(kinds, key=str)
    ]


def _what_to_add(proposal: str) -> str:
    note = (
        "The file holds weights but not the model's code, so nothing can be run. Add --model "
        "FILE.py:NAME (a class or function that builds the module) for the rest."
    )
    if proposal:
        note += " The names and shapes fit a plain network; its code is offered."
    return note
