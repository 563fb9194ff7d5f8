"""Building the user's module and giving it a state dict's weights, with little memory if big."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from actdiag.load.fit import demand_fit, fit, load_into

if TYPE_CHECKING:
    from actdiag.load.factory import Factory
    from actdiag.load.fit import Fitted
    from actdiag.load.format import Request
    from actdiag.load.source import ModelFile

# Our choice: from this size on a file is mapped and its module first built without memory. Below
# it, plain loading takes milliseconds and does not depend on the file staying as it is.
BIG = 1 << 26


def filled(
    file: ModelFile,
    request: Request,
    factory: Factory,
    state: dict[str, Tensor],
    arguments: dict[str, Any],
) -> tuple[nn.Module, list[str]]:
    """The factory's module with the weights in it, and notes on how they came to fit.

    Raises:
        ModelFileError: the factory fails, or the weights don't fit what it builds.
    """
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
