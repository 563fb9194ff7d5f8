"""Finding the weights in a checkpoint: bare, or under one of the keys that trainers use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from actdiag.errors import ModelFileError
from actdiag.load.naming import safe_keys
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

# In the order in which they are tried; dots go one dictionary deeper.
PLACES = (
    "state_dict", "model_state_dict", "model_state", "model.state_dict", "model", "net",
    "network", "net_state_dict", "module", "weights", "params", "ema_state_dict",
)  # fmt: skip
DATA_KEYS = {"x", "X", "y", "data", "inputs", "images", "features", "labels", "targets", "target"}
PLAIN = (type(None), bool, int, float, str)


@dataclass
class Contents:
    """What a checkpoint holds.

    Attributes:
        module: a whole module, if it holds one.
        state: the state dict, if it holds one; names are safe to print.
        place: key under which the weights were found; ``""`` when they are not nested.
        rest: the checkpoint's other entries.
        others: keys of weights beside these, such as an average's; safe to print.
    """

    module: nn.Module | None = None
    state: dict[str, Tensor] = field(default_factory=dict)
    place: str = ""
    rest: dict[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def find_weights(loaded: Any, shown: str, part: str = "") -> Contents:
    """Look for a module or a state dict in what a file holds, or under the key ``part`` of it.

    Raises:
        ModelFileError: there is neither; the message says what there is instead.
    """
    if part:
        return _part(loaded, part, shown)
    if isinstance(loaded, nn.Module):
        return Contents(module=loaded)
    if isinstance(loaded, dict):
        if is_state_dict(loaded):
            return Contents(state=safe_names(loaded))
        inside = _weights_in(loaded)
        for place in PLACES:
            found = _reach(loaded, place)
            if isinstance(found, nn.Module) or (isinstance(found, dict) and is_state_dict(found)):
                return _found(loaded, place, find_weights(found, shown), inside)
        if len(inside) == 1:
            return _found(loaded, inside[0], find_weights(loaded[inside[0]], shown), inside)
    raise _no_weights(loaded, shown)


def _part(loaded: Any, part: str, shown: str) -> Contents:
    entries = {} if isinstance(loaded, nn.Module) or not isinstance(loaded, dict) else loaded
    found = _reach(entries, part)
    inside = [] if is_state_dict(entries) else _places_in(entries)
    if inside and (_holds_weights(found) or (isinstance(found, dict) and _places_in(found))):
        held = find_weights(found, f"{shown}:{part}")
        place = f"{part}.{held.place}" if held.place else part
        chosen = _found(entries, part, held, inside)
        return replace(chosen, place=place, rest=held.rest | (chosen.rest | held.rest))
    message = f"{shown} holds no weights under {printable(part, limit=40)!r}."
    keys = [printable(key, limit=40) for key in inside]
    hint = f"It holds weights under {', '.join(keys[:12])}." if keys else "Give the file alone."
    raise ModelFileError(message, hint=hint)


def _places_in(entries: dict[Any, Any], depth: int = 3) -> list[str]:
    """The keys of weights, with dots where they lie deeper."""
    found = []
    for key, entry in entries.items():
        if isinstance(key, str) and _holds_weights(entry):
            found.append(key)
        elif isinstance(key, str) and isinstance(entry, dict) and depth > 1:
            found += [f"{key}.{deeper}" for deeper in _places_in(entry, depth - 1)]
    return found


def _found(loaded: dict[Any, Any], place: str, found: Contents, inside: list[str]) -> Contents:
    others = tuple(printable(key, limit=40) for key in inside if key != place)
    return replace(found, place=place, rest=_without(loaded, place), others=others)


def _weights_in(loaded: dict[Any, Any]) -> list[str]:
    return [key for key, entry in loaded.items() if isinstance(key, str) and _holds_weights(entry)]


def _holds_weights(entry: Any) -> bool:
    if isinstance(entry, dict):
        return is_state_dict(entry)
    return isinstance(entry, nn.Module)


def is_state_dict(value: dict[Any, Any]) -> bool:
    """Names to tensors, at least one; other entries are ``_extra_state`` or plain settings."""
    if not all(isinstance(key, str) for key in value) or all(key in DATA_KEYS for key in value):
        return False
    tensors = [key for key, entry in value.items() if isinstance(entry, Tensor)]
    extra = [key for key in value if key not in tensors and not key.endswith("_extra_state")]
    if any(isinstance(value[key], bool | int | float | str) for key in extra):
        named = any(key.rpartition(".")[2] == "weight" for key in tensors)
        return named and all(isinstance(value[key], PLAIN) for key in extra)
    return bool(tensors) and all(value[key] is None for key in extra)


def safe_names(state: dict[Any, Any]) -> dict[str, Tensor]:
    """The tensors of a state dict under names that are safe to print, its metadata kept."""
    safe: dict[str, Tensor] = type(state)()
    safe.update(safe_keys({name: item for name, item in state.items() if isinstance(item, Tensor)}))
    if metadata := getattr(state, "_metadata", None):
        vars(safe)["_metadata"] = metadata
    return safe


def _reach(value: dict[Any, Any], place: str) -> Any:
    if place in value:
        return value[place]
    found: Any = value
    for key in place.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _without(value: dict[Any, Any], place: str) -> dict[str, Any]:
    first = place if place in value else place.partition(".")[0]
    return {str(key): entry for key, entry in value.items() if key != first}


def _no_weights(loaded: Any, shown: str) -> ModelFileError:
    advice = "Save a state dict: torch.save(model.state_dict(), path)."
    if isinstance(loaded, Tensor):
        message = f"{shown} holds a single tensor of shape {tuple(loaded.shape)}, not a model."
        return ModelFileError(message, hint="If it is data, give it after the model.")
    if isinstance(loaded, dict):
        keys = [printable(key, limit=40) for key in loaded]
        shown_keys = ", ".join(keys[:8]) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")  # noqa: PLR2004
        if several := _weights_in(loaded):
            return _which(several, shown)
        if DATA_KEYS & {str(key) for key in loaded}:
            advice = "It looks like data; give it after the model."
        elif any(optimizers({"": loaded, **loaded})):
            advice = "It holds an optimizer's state alone. " + advice
        message = (
            f"{shown} holds no weights that actdiag recognises; its keys: {shown_keys or 'none'}."
        )
        return ModelFileError(message, hint=advice)
    kind = printable(type(loaded).__name__)
    return ModelFileError(f"{shown} holds a {kind}, not a model.", hint=advice)


def _which(several: list[str], shown: str) -> ModelFileError:
    names = [printable(key, limit=40) for key in several]
    message = f"{shown} holds {len(names)} sets of weights: {', '.join(names[:8])}."
    return ModelFileError(message, hint=f"Name one after the file: {shown}:{names[0]}.")


def optimizers(rest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The optimizer states in a checkpoint, as ``Optimizer.state_dict()`` made them."""
    for entry in rest.values():
        for candidate in entry if isinstance(entry, list | tuple) else (entry,):
            if isinstance(candidate, dict) and isinstance(candidate.get("param_groups"), list):
                yield candidate
