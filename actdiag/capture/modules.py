"""Which module is running: hooks that keep a stack and count calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.jit import ScriptModule

from actdiag.capture.recorder import Place
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.hooks import RemovableHandle

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_SETTINGS = (
    *("p", "in_features", "out_features", "in_channels", "out_channels", "groups", "kernel_size"),
    *("hidden_size", "input_size", "num_layers", "bidirectional", "batch_first", "num_heads"),
    *("negative_slope", "alpha", "dim", "eps", "affine", "num_embeddings", "embedding_dim"),
)


def is_leaf(module: nn.Module) -> bool:
    """Whether the module has no modules of its own."""
    return next(module.children(), None) is None


def is_builtin_layer(module: nn.Module) -> bool:
    """Whether the module is, or derives from, a layer of ``torch.nn`` and has no children.

    ``MultiheadAttention`` counts: its only child is never called.
    """
    if isinstance(module, nn.MultiheadAttention):
        return True
    families = (cls.__module__ for cls in type(module).__mro__ if cls is not nn.Module)
    return is_leaf(module) and any(family.startswith("torch.nn.modules") for family in families)


def settings_of(module: nn.Module) -> dict[str, Any]:
    """The scalar settings of a module that matter to a diagnosis."""
    found = {key: getattr(module, key, None) for key in _SETTINGS}
    settings = {key: value for key, value in found.items() if isinstance(value, bool | int | float)}
    if isinstance(getattr(module, "kernel_size", None), tuple):
        settings["kernel_size"] = max(module.kernel_size, default=1)  # type: ignore[arg-type]
    return settings


@dataclass(slots=True)
class Running:
    """A module whose forward is under way."""

    place: Place
    module: nn.Module
    leaf: bool
    sites_at_entry: int


class ModuleStack:
    """Keeps the running module, by hooks on every module, all removed on :meth:`close`."""

    def __init__(
        self, model: nn.Module, *, on_exit: Callable[[Running, Any, Any], None] | None = None
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.names: dict[nn.Module, str] = {}
        self.running: list[Running] = []
        self.opened = 0
        self._on_exit = on_exit
        self._handles: list[RemovableHandle] = []
        for name, module in model.named_modules():
            self.names[module] = printable(name)
            if not isinstance(module, ScriptModule):
                self._handles.append(module.register_forward_pre_hook(self._enter))
                self._handles.append(module.register_forward_hook(self._leave, always_call=True))

    def close(self) -> None:
        """Remove every hook."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.running.clear()

    def place(self) -> Place:
        """Where a function call made now takes place.

        The first site inside a builtin leaf takes the module's name; later ones add the function.
        """
        if not self.running:
            return Place("", "", own_name=False)
        top = self.running[-1]
        if top.place.own_name and self.opened > top.sites_at_entry:
            return Place(top.place.module, top.place.module_class, own_name=False)
        return top.place

    def _enter(self, module: nn.Module, _args: Any) -> None:
        name = self.names[module]
        self.calls[name] += 1
        place = Place(
            name, printable(type(module).__name__), own_name=bool(name) and is_builtin_layer(module)
        )
        self.running.append(Running(place, module, is_leaf(module), self.opened))

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if not self.running or self.running[-1].module is not module:
            return
        left = self.running.pop()
        if self._on_exit is not None:
            self._on_exit(left, args, output)
