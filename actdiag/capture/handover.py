"""Operators of our own that hand each operation of a TorchScript graph over to the capture.

A graph calls them in place of torch's: ``actdiag::relu__default`` has the signature of
``aten::relu``, and running it runs ``aten.relu`` under observation. ``actdiag::enter`` and
``actdiag::leave`` tell which module is running. The operators are registered once per process;
outside a capture nothing calls them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._ops import OpOverload

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.capture.relay import Relay

NAMESPACE = "actdiag"
_KEY = "CompositeExplicitAutograd"

_torch: Any = torch  # its library of operators has no types
_library: list[Any] = []
_known: set[str] = set()
active: list[Relay] = []
"""Who is listening, the last one now."""


def dispatched(schema: torch._C.FunctionSchema) -> OpOverload | None:
    """The operator of that schema, if torch's dispatcher knows it and it makes tensors of tensors.

    Operators on numbers, lists and text live in TorchScript alone.
    """
    space, _, name = schema.name.partition("::")
    packet = getattr(getattr(torch.ops, space), name, None)
    found = getattr(packet, schema.overload_name or "default", None)
    if not isinstance(found, OpOverload):
        return None
    takes = any("Tensor" in str(argument.type) for argument in schema.arguments)
    gives = any("Tensor" in str(answer.type) for answer in schema.returns)
    return found if takes and gives else None


def stand_in(operator: OpOverload) -> str:
    """The name of our operator that stands in for torch's."""
    schema = operator._schema  # noqa: SLF001 - the documented way to an operator's signature
    name = f"{schema.name.replace('::', '_')}__{schema.overload_name or 'default'}"
    if name not in _known:

        def run(*args: Any, **kwargs: Any) -> Any:
            return active[-1].call(operator, args, kwargs)

        text = str(schema)
        _define(name, text[text.index("(") :], run)
    return f"{NAMESPACE}::{name}"


def markers() -> tuple[str, str]:
    """The names of the operators that say that a module begins and ends."""
    if "enter" not in _known:
        _define("enter", "(str name, bool whole) -> ()", _enter)
        _define("leave", "(Tensor[] given, Tensor[] made) -> ()", _leave)
    return f"{NAMESPACE}::enter", f"{NAMESPACE}::leave"


def _enter(name: str, whole: bool) -> None:  # noqa: FBT001 - as the schema says
    active[-1].enter(name, whole=whole)


def _leave(given: list[Tensor], made: list[Tensor]) -> None:
    active[-1].leave(given, made)


def _define(name: str, signature: str, function: Callable[..., Any]) -> None:
    if not _library:
        _library.append(_torch.library.Library(NAMESPACE, "FRAGMENT"))
    _library[0].define(name + signature)
    _library[0].impl(name, function, _KEY)
    _known.add(name)
