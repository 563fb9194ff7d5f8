"""Another way into a model than its forward: a method, arguments kept aside or in one dictionary.

The way in is a view: an object of the same class that shares every layer, parameter and hook with
the model, and whose forward is what is asked for. Nothing of the model itself is changed.
"""

from __future__ import annotations

import copy
import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.jit import ScriptModule

from actdiag.errors import UsageError
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable


def view(
    model: nn.Module, *, method: str | None = None, aside: str | None = None, whole: bool = False
) -> nn.Module:
    """The model with ``method`` in place of its forward, and ``aside`` as one more argument.

    Within the method, ``self(x)`` and ``self.forward(x)`` are the model's own forward. ``aside``
    is given by keyword and not handed on. Where ``whole``, what else is given by keyword is handed
    on as one dictionary.

    Raises:
        UsageError: the model has no such method.
    """
    kind: Any = type(model)
    name = method or "forward"
    if method is not None and method not in public_methods(model):
        raise UsageError(
            f"--call {printable(method)}: {printable(kind.__name__)} has no method of that name.",
            hint=f"It has {', '.join(map(printable, public_methods(model)))}.",
        )
    if isinstance(model, ScriptModule):
        raise UsageError(
            "--call and a --mask that the forward does not take need a model of Python code, and "
            "this one is TorchScript.",
            hint="Scan the module that it was made from.",
        )
    seen = copy.copy(model)
    seen.__class__ = type(
        kind.__name__,
        (kind,),
        {
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "forward": _entered(getattr(kind, name), kind.forward, aside, whole=whole),
            "taken_aside": (*getattr(model, "taken_aside", ()), *([aside] if aside else ())),
            "taken_whole": whole or getattr(model, "taken_whole", False),
        },
    )
    return seen


def unviewed(module: nn.Module) -> nn.Module:
    """A module of its own class again, where it is a view or a copy of one."""
    while "taken_aside" in vars(type(module)):
        module.__class__ = type(module).__mro__[1]
    return module


def public_methods(model: nn.Module) -> tuple[str, ...]:
    """Names of what the model's own class and those above it offer beyond ``nn.Module``."""
    own = (cls for cls in type(model).__mro__ if not issubclass(nn.Module, cls))
    names = {
        name
        for cls in own
        for name, value in vars(cls).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    return tuple(sorted(names | {"forward"}))


def _entered(
    function: Callable[..., Any], plain: Callable[..., Any], aside: str | None, *, whole: bool
) -> Callable[..., Any]:
    """``function`` at the first call from outside, ``plain`` at calls from within it."""
    inside: list[int] = []

    @wraps(function)
    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop(aside or "", None)
        if inside:
            return plain(self, *args, **kwargs)
        inside.append(1)
        if whole and kwargs and not args:
            args, kwargs = (kwargs,), {}
        try:
            return function(self, *args, **kwargs)
        finally:
            inside.pop()

    return forward
