"""Inert stand-ins for module classes and for the functions that modules keep.

``torch.load(weights_only=True)`` calls every class and function on its list with arguments that
the file chooses. So the real classes are not put on that list. In their place stand shells that
cannot be called and only keep the state they are given; :mod:`actdiag.load.assemble` looks at the
finished tree before it makes modules of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pickle import UnpicklingError
from typing import Any, ClassVar

from torch import nn

from actdiag.arrays import NotCallable


class Shell(metaclass=NotCallable):
    """Stands for an instance of a module class: holds the state the file gives, and does nothing.

    Attributes:
        stands_for: the real class.
        inner: for a wrapper, the name of the module inside that is meant.
        state: what the pickle's BUILD gave.
        arguments: what the pickle's NEWOBJ gave, normally nothing.
    """

    stands_for: ClassVar[type]
    inner: ClassVar[str | None] = None
    state: Any
    arguments: tuple[Any, ...]

    def __new__(cls, *arguments: Any) -> Any:
        """An empty shell; whatever the file gives as arguments is only kept."""
        shell = object.__new__(cls)
        shell.state, shell.arguments = None, arguments
        return shell

    def __setstate__(self, state: Any) -> None:
        self.state = state


class FunctionShell:
    """Stands for a function that a module keeps as an attribute; cannot be called."""

    def __init__(self, function: Any) -> None:
        self.stands_for = function


def shell_for(cls: type, inner: str | None = None) -> type[Shell]:
    """A shell class that stands for ``cls``."""
    made: Any = NotCallable(cls.__name__, (Shell,), {"stands_for": cls, "inner": inner})
    shell: type[Shell] = made
    return shell


@cache
def module_classes() -> tuple[type[nn.Module], ...]:
    """Every ``nn.Module`` class that a module below ``torch.nn.modules`` defines."""
    found = []
    for item in pkgutil.iter_modules(nn.modules.__path__, "torch.nn.modules."):
        home = importlib.import_module(item.name)
        found += [
            value
            for value in vars(home).values()
            if isinstance(value, type)
            and issubclass(value, nn.Module)
            and value.__module__ == item.name
        ]
    return tuple(found)


def module_of(stored: Any) -> Any:
    """The class in what a legacy pickle stores of a module: ``("module", class, file, source)``.

    torch would compare the stored source with today's and may write a patch file; this doesn't.
    """
    if isinstance(stored, tuple) and len(stored) > 1 and isinstance(stored[1], NotCallable):
        return stored[1]
    raise UnpicklingError("a module class that is none")
