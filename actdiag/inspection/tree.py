"""The layers of a model as a tree that can be walked."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actdiag.records import Layer

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})


class Tree:
    """Layers by name, each with its children; parents come before their children.

    Args:
        layers: of one model, the root first.
        sees_functions: whether functions called in the forward are among the layers' functions.
        config: activation functions that a configuration names, by key.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        *,
        sees_functions: bool = False,
        config: dict[str, str] | None = None,
    ) -> None:
        self.layers = layers
        self.sees_functions = sees_functions
        self.config = config or {}
        self.by_name = {layer.name: layer for layer in layers}
        self._children: dict[str, list[Layer]] = {}
        for layer in layers:
            if layer.name:
                self._children.setdefault(self._parent(layer.name), []).append(layer)

    def _parent(self, name: str) -> str:
        above = name.rpartition(".")[0]
        while above and above not in self.by_name:
            above = above.rpartition(".")[0]
        return above

    def parent(self, layer: Layer) -> Layer | None:
        """The layer above; null for the root."""
        return self.by_name.get(self._parent(layer.name)) if layer.name else None

    def names_above(self, layer: Layer) -> set[str]:
        """Names of all layers that it lies in."""
        names = set()
        above = self.parent(layer)
        while above is not None:
            names.add(above.name)
            above = self.parent(above)
        return names

    def children(self, layer: Layer) -> list[Layer]:
        """The layers right below."""
        return self._children.get(layer.name, [])

    def below(
        self, layer: Layer, *, leave_out: Callable[[Layer], bool] = lambda _: False
    ) -> Iterator[Layer]:
        """Every layer below, in order, without the subtrees that are to be left out."""
        waiting = self.children(layer)[::-1]
        while waiting:
            child = waiting.pop()
            if not leave_out(child):
                yield child
                waiting += self.children(child)[::-1]

    @cached_property
    def plain(self) -> bool:
        """Whether every class is one of ``torch.nn``, run in the order in which it is kept."""
        return all(
            layer.class_path is not None
            and layer.class_path.startswith("torch.nn.modules.")
            and layer.class_name not in {"ModuleList", "ModuleDict"}
            for layer in self.layers
            if not self._inside_builtin(layer)
        )

    def _inside_builtin(self, layer: Layer) -> bool:
        """Whether it lies in a layer of torch.nn that knows itself how to run its parts."""
        above = self.parent(layer)
        while above is not None:
            path, name = above.class_path or "", above.class_name
            if path.startswith("torch.nn.modules.") and name not in CONTAINERS:
                return True
            above = self.parent(above)
        return False

    @property
    def opaque(self) -> bool:
        """Whether functions may be called in the forward that nothing in the tree shows."""
        return not (self.plain or self.sees_functions)


def last_part(layer: Layer) -> str:
    """The last part of a layer's name."""
    return layer.name.rpartition(".")[2]
