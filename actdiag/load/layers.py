"""The layers of a live module or of a state dict as plain records, in their own order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch.nn.parameter import is_lazy

from actdiag import functions
from actdiag.records import Layer, TensorFacts
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from actdiag.functions import ActivationFunction

SETTINGS = (
    *("in_features", "out_features", "in_channels", "out_channels", "groups", "kernel_size"),
    *("num_embeddings", "embedding_dim", "normalized_shape", "num_features", "embed_dim"),
    *("input_size", "hidden_size", "num_layers", "bidirectional", "num_heads", "nonlinearity"),
    *("p", "dim", "negative_slope", "alpha", "approximate", "norm_first"),
)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_LONGEST = 40


def layers_of_module(module: nn.Module) -> tuple[Layer, ...]:
    """Every module in it, the root first, parents before their children."""
    seen: set[int] = set()
    return tuple(
        Layer(
            name=printable(name),
            depth=name.count(".") + 1 if name else 0,
            class_path=_class_path(part),
            tensors=tuple(_tensors(part, seen)),
            function=function_of(_classes(part), vars(part)),
            functions=_kept_functions(part),
            settings=plain_settings(vars(part)),
        )
        for name, part in module.named_modules()
    )


def layers_of_state(state: Mapping[str, Tensor]) -> tuple[Layer, ...]:
    """The tree that the names of a state dict tell; nobody knows the classes.

    Nor does anybody know what was trained: every tensor of numbers but statistics counts.
    """
    seen: set[Any] = set()
    held = [(name, tensor_facts(_leaf(name), tensor, seen)) for name, tensor in state.items()]
    return layers_of_tensors(
        (name, replace(facts, trainable=not facts.buffer and state[name].is_floating_point()))
        for name, facts in held
    )


def layers_of_tensors(tensors: Iterable[tuple[str, TensorFacts]]) -> tuple[Layer, ...]:
    """The tree that qualified names of tensors tell, parents before their children."""
    held: dict[tuple[str, ...], list[TensorFacts]] = {(): []}
    for name, facts in tensors:
        parts = tuple(printable(name).split(".")[:-1])
        for depth in range(1, len(parts) + 1):
            held.setdefault(parts[:depth], [])
        held[parts].append(facts)
    return tuple(
        Layer(".".join(parts), len(parts), tensors=tuple(found))
        for parts, found in _nested(list(held.items()))
    )


def _nested(
    held: list[tuple[tuple[str, ...], list[TensorFacts]]],
) -> list[tuple[tuple[str, ...], list[TensorFacts]]]:
    """Parents before their children, children in the order in which they first appear."""
    first: dict[tuple[str, ...], int] = {}
    for place, (parts, _) in enumerate(held):
        first.setdefault(parts, place)

    def order(entry: tuple[tuple[str, ...], list[TensorFacts]]) -> list[int]:
        return [first[entry[0][:depth]] for depth in range(1, len(entry[0]) + 1)]

    return sorted(held, key=order)


def tensor_facts(name: str, tensor: Tensor, seen: set[Any], *, buffer: bool = False) -> TensorFacts:
    """What a tensor is; ``seen`` remembers where tensors lie, to tell shared ones."""
    lazy = is_lazy(tensor)
    place = None if lazy else _place(tensor)
    shared = place is not None and place in seen
    seen.add(place)
    return TensorFacts(
        name=printable(name),
        shape=None if lazy else tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        trainable=tensor.requires_grad and not buffer,
        buffer=buffer or name in STATISTICS,
        shared=shared,
    )


def _place(tensor: Tensor) -> Any:
    if tensor.is_meta or not tensor.numel() or tensor.layout.__str__() != "torch.strided":
        return id(tensor)
    return tensor.device, tensor.data_ptr(), tuple(tensor.shape), tensor.dtype


def _tensors(part: nn.Module, seen: set[Any]) -> Iterator[TensorFacts]:
    for name, parameter in part.named_parameters(recurse=False, remove_duplicate=False):
        yield tensor_facts(name, parameter, seen)
    for name, buffer in part.named_buffers(recurse=False, remove_duplicate=False):
        yield tensor_facts(name, buffer, seen, buffer=True)


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _class_path(part: nn.Module) -> str:
    original = getattr(part, "original_name", None)
    if isinstance(original, str):
        return printable(original)
    return printable(f"{type(part).__module__}.{type(part).__qualname__}")


def _classes(part: nn.Module) -> list[str]:
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(part).__mro__]


def function_of(classes: Iterable[str], attributes: Mapping[str, Any]) -> str | None:
    """The catalogue's name of the activation function that a class, or one it comes from, is."""
    rows = (functions.by_module(name) for name in classes)
    row = next((row for row in rows if row is not None), None)
    return None if row is None else _variant(row, attributes)


def _variant(row: ActivationFunction, attributes: Mapping[str, Any]) -> str:
    try:
        return functions.variant(row, attributes).name
    except (TypeError, ValueError):  # settings out of a file may be of any type
        return row.name


def _kept_functions(part: nn.Module) -> dict[str, str]:
    """Activation functions that a module keeps as plain attributes, as self.act = F.relu does."""
    found: dict[str, str] = {}
    for attribute, value in vars(part).items():
        name, home = getattr(value, "__name__", None), getattr(value, "__module__", None)
        if not (callable(value) and isinstance(name, str)):
            continue
        row = functions.by_callable(f"{home or 'torch'}.{name}")
        if row is not None:
            found[printable(attribute)] = row.name
    return found


def plain_settings(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those attributes that say what a layer does, as numbers, text and tuples of numbers."""
    found: dict[str, Any] = {}
    for name in SETTINGS:
        value = attributes.get(name)
        if isinstance(value, bool | int | float):
            found[name] = value
        elif isinstance(value, str):
            found[name] = printable(value, limit=_LONGEST)
        elif isinstance(value, tuple) and value and all(type(item) is int for item in value):
            found[name] = list(value)
    return found
