"""Runs TorchScript modules by their rewritten graphs, so that each operation is observed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from actdiag.capture import handover
from actdiag.capture.declared import replaced_forward
from actdiag.capture.rewriting import Rewriting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.jit import ScriptModule

    from actdiag.capture.relay import Relay

_jit: Any = torch.jit  # has no types


@contextlib.contextmanager
def observed(module: ScriptModule, prefix: str, relay: Relay) -> Iterator[None]:
    """Within the block, calling the module tells ``relay`` what happens in it.

    Args:
        module: a module that lies in no other TorchScript module.
        prefix: its qualified name in the model.
        relay: is told.
    """
    with replaced_forward(module, _Run(module, prefix, relay).forward):
        yield


class _Run:
    """Runs one TorchScript module by its rewritten graph."""

    def __init__(self, module: ScriptModule, prefix: str, relay: Relay) -> None:
        self._module, self._prefix, self._relay = module, prefix, relay
        self._schema: Any = None
        self._function: Any = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's forward, observed."""
        if self._function is None:
            method = self._module._c._get_method("forward")  # noqa: SLF001 - nothing public
            graph = Rewriting(self._module, self._prefix, self._relay).graph()
            self._schema = method.schema
            self._function = torch._C._create_function_from_graph("forward", graph)  # noqa: SLF001
        given = bound(self._schema, args, kwargs)
        depth = self._relay.begin()
        handover.active.append(self._relay)
        try:
            with _jit.optimized_execution(False):  # noqa: FBT003 - nothing is to be fused or reordered
                return self._function(self._module, *given)
        except Exception:
            if self._relay.error is not None:
                raise self._relay.error from None  # as the operator raised it
            raise
        finally:
            handover.active.pop()
            self._relay.end(depth)


def bound(schema: torch._C.FunctionSchema, args: tuple[Any, ...], kwargs: Any) -> list[Any]:
    """The arguments of a method in the order of its schema, defaults filled in.

    Raises:
        TypeError: for an argument that is missing, or that the method does not know.
    """
    takes = schema.arguments[1:]
    names = [argument.name for argument in takes]
    unknown = [name for name in kwargs if name not in names[len(args) :]]
    if len(args) > len(takes) or unknown:
        what = f"an argument {unknown[0]!r}" if unknown else f"{len(args)} arguments"
        raise TypeError(f"forward({', '.join(names)}) does not take {what}")
    given = list(args)
    for argument in takes[len(args) :]:
        if argument.name not in kwargs and not argument.has_default_value():
            raise TypeError(f"forward({', '.join(names)}) misses the argument {argument.name!r}")
        given.append(kwargs.get(argument.name, argument.default_value))
    return given
