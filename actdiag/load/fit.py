"""Putting a state dict into the module that a factory built, or saying why it doesn't fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.parameter import is_lazy

from actdiag.errors import ModelFileError
from actdiag.load.misfit import Misfit, explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn

State = dict[str, "Tensor"]
Shapes = dict[str, "torch.Size | None"]
# What wrappers put before (or, around a part, into) the names: DataParallel and DDP, torch.compile,
# Lightning and trainers of our users.
WRAPPERS = ("module.", "_orig_mod.", "_fsdp_wrapped_module.")
HOLDERS = ("model.", "net.", "network.", "backbone.", "encoder.")


@dataclass(frozen=True)
class Fitted:
    """A state dict under the module's own names.

    Attributes:
        state: the tensors that have a place in the module.
        misfit: what did not fit.
        notes: what was changed or left out, one sentence each.
    """

    state: State
    misfit: Misfit
    notes: tuple[str, ...]


def unwrapped(state: State) -> State:
    """The state dict without what wrappers put into the names (``module.``, ``_orig_mod.``).

    ``n_averaged`` goes too: AveragedModel's count of the models in its average.
    """
    for wrapper in WRAPPERS:
        renamed = {_without(name, wrapper): tensor for name, tensor in state.items()}
        whole = all(name.startswith(wrapper) for name in state if name != "n_averaged")
        # A part may well be called "module" by its author; only torch.compile says _orig_mod.
        inside = wrapper != "module." and any(f".{wrapper}" in name for name in state)
        if state and (whole or inside) and len(renamed) == len(state):
            if wrapper == "module.":
                renamed.pop("n_averaged", None)
            return unwrapped(_renamed(state, renamed))
    return state


def fit(state: State, module: nn.Module) -> Fitted:
    """Find the names under which most of the state dict has a place in the module."""
    wanted = {
        name: None if is_lazy(tensor) else tensor.shape
        for name, tensor in module.state_dict().items()
    }
    best = max(_candidates(state, wanted), key=lambda candidate: _matches(candidate[0], wanted))
    renamed, notes = best
    tied = _tied(module)
    placed = {name: tensor for name, tensor in renamed.items() if _fits(name, tensor, wanted)}
    shapes = {
        name: (tuple(renamed[name].shape), tuple(shape))
        for name, shape in wanted.items()
        if name in renamed and name not in placed and shape is not None
    }
    missing = tuple(
        name
        for name in wanted
        if name not in renamed
        and not _is_optional(name)
        and not tied.get(name, set()) & set(placed)
    )
    unexpected = tuple(name for name in renamed if name not in wanted)
    return Fitted(placed, Misfit(missing, unexpected, shapes), tuple(notes))


def load_into(module: nn.Module, fitted: Fitted, *, assign: bool) -> None:
    """Give the module its weights; with ``assign`` the tensors themselves, without a copy.

    A tensor whose dtype differs from the module's is converted, as ``load_state_dict`` does.
    """
    state = {
        name: tensor if tensor.layout == torch.strided else tensor.to_dense()
        for name, tensor in fitted.state.items()
    }
    if assign:
        for name, current in module.state_dict().items():
            if name in state and state[name].dtype != current.dtype:
                state[name] = state[name].to(current.dtype)
    groups = _tied(module)
    module.load_state_dict(state, strict=False, assign=assign)
    if assign:
        _tie_again(module, groups, set(state))


def demand_fit(shown: str, factory: str, fitted: Fitted, *, partial: bool) -> tuple[str, ...]:
    """Let a state dict that fits pass; with ``partial`` also one that fits in part.

    Returns:
        Notes on what was left out.

    Raises:
        ModelFileError: it doesn't fit; missing, unexpected and mis-shaped names are listed.
    """
    misfit = fitted.misfit
    if misfit.empty:
        return fitted.notes
    report = explain(misfit, fitted.state)
    if not partial or not fitted.state:
        message = f"{shown} doesn't fit {factory}.\n{report.listing}"
        raise ModelFileError(message, hint=report.reason)
    left = "; ".join(line.strip() for line in report.listing.splitlines())
    return (*fitted.notes, f"Loaded in part: {left}.")


def _candidates(state: State, wanted: Iterable[str]) -> Iterator[tuple[State, list[str]]]:
    bare = unwrapped(state)
    yield bare, []
    names = set(wanted)
    for holder in HOLDERS:
        inner = {
            name.removeprefix(holder): t for name, t in bare.items() if name.startswith(holder)
        }
        others = [name for name in bare if not name.startswith(holder)]
        if inner and not set(others) & names:
            dropped = f" {len(others)} other entries were left aside." if others else ""
            yield (
                unwrapped(_renamed(bare, inner)),
                [f"The weights lie under {holder[:-1]!r} in the file.{dropped}"],
            )
        yield (
            _renamed(bare, {holder + name: tensor for name, tensor in bare.items()}),
            [f"The names in the file were put under {holder[:-1]!r}."],
        )


def _fits(name: str, tensor: Tensor, wanted: Shapes) -> bool:
    """Whether the module has this name and shape; a lazy parameter takes any shape."""
    return name in wanted and wanted[name] in (None, tensor.shape)


def _matches(state: State, wanted: Shapes) -> tuple[int, int, int]:
    known = [name for name in state if name in wanted]
    right = sum(_fits(name, state[name], wanted) for name in known)
    return right, len(known), len(known) - len(state)


def _without(name: str, wrapper: str) -> str:
    return name.removeprefix(wrapper).replace(f".{wrapper}", ".")


def _renamed(state: State, renamed: State) -> State:
    if (metadata := getattr(state, "_metadata", None)) is None:
        return renamed
    kept: State = type(state)()
    kept.update(renamed)
    vars(kept)["_metadata"] = metadata
    return kept


def _is_optional(name: str) -> bool:
    # BatchNorm's counter came with torch 0.4.1; torch itself accepts older files without it.
    return name.rpartition(".")[2] == "num_batches_tracked" or name.endswith("_extra_state")


def _tied(module: nn.Module) -> dict[str, set[str]]:
    """Name of each parameter that stands under several names -> all its names."""
    groups: dict[int, set[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), set()).add(name)
    return {name: group for group in groups.values() if len(group) > 1 for name in group}


def _tie_again(module: nn.Module, groups: dict[str, set[str]], loaded: set[str]) -> None:
    for group in {tuple(sorted(group)) for group in groups.values()}:
        first = next((name for name in group if name in loaded), None)
        if first is None:
            continue
        parameter = module.get_parameter(first)
        for name in group:
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, parameter)
