"""Which module is running: hooks that keep a stack and count calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from threading import get_ident
from typing import TYPE_CHECKING, Any

from torch.jit import ScriptModule

from actdiag.capture.declared import unshared
from actdiag.capture.leaves import SILENT, is_plain_layer
from actdiag.capture.opened import Place
from actdiag.capture.transforms import transforming
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn
    from torch.utils.hooks import RemovableHandle

    from actdiag.capture.declared import Declared


@dataclass(slots=True)
class Running:
    """A module whose forward is under way."""

    place: Place
    leaf: bool
    sites_at_entry: int
    function: str | None = None


def _entry(name: str, module: Declared) -> tuple[Place, bool, str | None]:
    """What every call of a module has in common: place, whether a leaf, its function."""
    own_name = bool(name) and module.builtin
    place = Place(name, printable(module.class_name), own_name=own_name)
    return place, module.leaf, module.function if name else None


class ModuleStack:
    """Keeps the running module, by hooks on most modules, all removed on :meth:`close`.

    Plain layers and sequences of torch, ``plain`` with their names, are left to
    :mod:`actdiag.capture.leaves`.
    TorchScript modules refuse hooks, and the operators of an exported program lie in none of its
    modules: what runs these calls :meth:`enter` and :meth:`leave` itself.

    Of modules that run in another thread than the pass nothing is seen: they are only counted.

    ``on_silent`` is told of every call of a module without modules in which no site was opened.
    """

    def __init__(
        self,
        model: nn.Module,
        declared: dict[str, Declared],
        *,
        on_silent: Callable[[Running, Any, Any], None] | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.names: dict[nn.Module, str] = {}
        self.plain: dict[nn.Module, str] = {}
        self.running: list[Running] = []
        self.opened = 0
        self._thread = get_ident()
        self.declared = declared
        self._on_silent = on_silent
        self._entries = {name: _entry(name, module) for name, module in declared.items()}
        self._handles: list[RemovableHandle] = []
        for _, first, module in unshared(model):
            name = printable(first)
            if name not in declared:
                continue
            self.names[module] = name
            layer = declared[name].leaf and declared[name].builtin
            if (layer or type(module) in SILENT) and is_plain_layer(module):
                self.plain[module] = name
            elif not isinstance(module, ScriptModule):
                self._handles.append(module.register_forward_pre_hook(self._enter))
                self._handles.append(module.register_forward_hook(self._leave, always_call=True))

    def close(self) -> None:
        """Remove every hook."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.running.clear()

    def begin_pass(self) -> None:
        """A forward pass begins in this thread."""
        self.opened, self._thread = 0, get_ident()

    def follows(self, name: str) -> bool:
        """Whether a module that begins to run does so in the thread of the pass; else count it."""
        if self._thread == get_ident():
            return True
        self.calls[name] += 1
        return False

    def place(self, function: str | None = None) -> Place:
        """Where a call of ``function`` made now takes place.

        The first site inside a builtin leaf takes the module's name; later ones add the function.
        So does the activation that a class of another library is known to be.
        """
        if not self.running:
            return Place("", "", own_name=False)
        top = self.running[-1]
        if top.function is not None and top.function == function:
            return replace(top.place, own_name=True)
        if top.place.own_name and self.opened > top.sites_at_entry:
            return Place(top.place.module, top.place.module_class, own_name=False)
        return top.place

    def enter(self, name: str) -> None:
        """The module of that name begins to run."""
        self.calls[name] += 1
        place, leaf, function = self._entries[name]
        self.running.append(Running(place, leaf, self.opened, function))

    def leave(self, args: Any, output: Any) -> None:
        """The module entered last has given ``output`` for ``args``."""
        left = self.running.pop()
        silent = left.leaf and self.opened == left.sites_at_entry and not transforming()
        if silent and self._on_silent is not None:
            self._on_silent(left, args, output)

    def _enter(self, module: nn.Module, _args: Any) -> None:
        name = self.names[module]
        if self.follows(name):
            self.enter(name)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        here = self._thread == get_ident()
        if here and self.running and self.running[-1].place.module == self.names[module]:
            self.leave(args, output)
