"""Which activation functions a part of the tree shows, and what told them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag import functions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.inspection.tree import Tree
    from actdiag.records import Layer

_NO_FUNCTION = "identity"


@dataclass(frozen=True, slots=True)
class Seen:
    """An activation function at a layer, by its name in the catalogue."""

    function: str
    layer: str
    seen_in: str


def seen_at(tree: Tree, layer: Layer) -> Iterator[Seen]:
    """What one layer shows: the function that its class is, and those that it keeps or calls."""
    if layer.function not in {None, _NO_FUNCTION}:
        yield Seen(str(layer.function), layer.name, "module")
    seen_in = "code" if tree.sees_functions else "attribute"
    for attribute, name in layer.functions.items():
        yield Seen(name, f"{layer.name}/{attribute}".lstrip("/"), seen_in)


def by_class_name(layer: Layer) -> str | None:
    """The catalogue's function that a class of the user's own is called after, such as SwiGLU."""
    path = layer.class_path or ""
    if not path or path.startswith("torch."):
        return None
    row = functions.find(path.rpartition(".")[2])
    return None if row is None or row.name == _NO_FUNCTION else row.name


def title(name: str) -> str:
    """A function's name as people write it."""
    row = functions.find(name)
    return row.title if row is not None else name
