"""Rewrites TorchScript graphs so that they tell what they do.

TorchScript refuses hooks. The graph of a method is copied instead, and the copy changed: every
call of a submodule is inlined between two operators that tell its name, every operator on tensors
gives way to one that hands the call over (:mod:`actdiag.capture.handover`). The module itself stays
as it is, and keeps its weights. What the copy cannot reach (methods of interfaces) runs unseen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from actdiag.capture import handover
from actdiag.capture.attributes import at, nodes_of, owner
from actdiag.capture.declared import qualified_class, unshared
from actdiag.text import printable

if TYPE_CHECKING:
    from torch.jit import ScriptModule

    from actdiag.capture.relay import Relay

_CALL = re.compile(r"forward(__)?\d*")  # tracing and overloading number a method
_FUSING = ("torch.nn.modules.transformer.", "torch.nn.modules.activation.MultiheadAttention")


class Rewriting:
    """Makes one graph of a module and all that lies in it."""

    def __init__(self, root: ScriptModule, prefix: str, relay: Relay) -> None:
        self._root, self._relay = root, relay
        self._names = {
            name: printable(".".join(part for part in (prefix, first) if part))
            for name, first, _ in unshared(root)
        }

    def graph(self) -> Any:
        """The whole forward, rewritten."""
        graph, _ = self._method([], "forward")
        self._announce_root(graph)
        torch._C._jit_pass_inline(graph)  # noqa: SLF001 - functions, and methods of other classes
        torch._C._jit_pass_inline_fork_wait(graph)  # noqa: SLF001
        for node in list(nodes_of(graph)):
            _hand_over(graph, node)
        torch._C._jit_pass_lint(graph)  # noqa: SLF001
        return graph

    def _method(self, path: list[str], method: str) -> tuple[Any, set[str]]:
        """A copy of a method's graph with the modules in it inlined, and its operators' names."""
        module = at(self._root, path)
        graph = module._c._get_method(method).graph.copy()  # noqa: SLF001
        start = next(iter(graph.inputs()))
        if qualified_class(module).startswith(_FUSING):
            _do_not_fuse(graph)
        operators: set[str] = set()
        for node in list(nodes_of(graph)):
            if node.kind() == "prim::CallMethod":
                lies = owner(node.inputsAt(0), start, module)
                if lies is not None:
                    operators |= self._inline(graph, node, path, lies)
            elif node.kind() == "prim::CallFunction":
                operators |= _operators_of_function(node)
            else:
                operators.add(node.kind())
        return graph, operators

    def _inline(self, graph: Any, node: Any, path: list[str], lies: list[str]) -> set[str]:
        """Put the graph of a called module in place of the call."""
        callee, operators = self._method([*path, *lies], node.s("name"))
        inputs = list(node.inputs())
        name = self._names[".".join([*path, *lies])]
        told = bool(lies) and _CALL.fullmatch(node.s("name")) is not None
        enter, leave = handover.markers()
        given = None
        with graph.insert_point_guard(node):
            if told:
                given = _tensor_list(graph, inputs[1:])
                whole = self._relay.operators_are_one(name, operators)
                constants = [graph.insertConstant(name), graph.insertConstant(whole)]
                graph.insertNode(graph.create(enter, constants, 0))
            outputs = graph.insertGraph(callee, inputs)
            if told:
                made = _tensor_list(graph, _opened(graph, outputs))
                graph.insertNode(graph.create(leave, [given, made], 0))
        for old, new in zip(node.outputs(), outputs, strict=True):
            old.replaceAllUsesWith(new)
        node.destroy()
        return operators

    def _announce_root(self, graph: Any) -> None:
        enter, leave = handover.markers()
        first = next(iter(graph.nodes()), graph.return_node())
        with graph.insert_point_guard(first):
            given = _tensor_list(graph, list(graph.inputs())[1:])
            told = [graph.insertConstant(self._names[""]), graph.insertConstant(False)]  # noqa: FBT003
            graph.insertNode(graph.create(enter, told, 0))
        with graph.insert_point_guard(graph.return_node()):
            made = _tensor_list(graph, _opened(graph, list(graph.outputs())))
            graph.insertNode(graph.create(leave, [given, made], 0))


def _tensor_list(graph: Any, values: list[Any]) -> Any:
    """A list of those of the values that are tensors."""
    tensors = [value for value in values if value.type().kind() == "TensorType"]
    node = graph.insertNode(graph.create("prim::ListConstruct", tensors, 1))
    node.output().setType(torch._C.ListType(torch._C.TensorType.get()))  # noqa: SLF001
    return node.output()


def _opened(graph: Any, values: list[Any]) -> list[Any]:
    """The values, and the entries of those that are tuples."""
    found = []
    for value in values:
        if value.type().kind() != "TupleType":
            found.append(value)
            continue
        types = value.type().elements()
        node = graph.insertNode(graph.create("prim::TupleUnpack", [value], len(types)))
        for output, kind in zip(node.outputs(), types, strict=True):
            output.setType(kind)
            found.append(output)
    return found


def _operators_of_function(node: Any) -> set[str]:
    """The function's own name, as if it were an operator: F.linear is called so."""
    return {f"aten::{node.inputsAt(0).node().s('name')}"}


def _do_not_fuse(graph: Any) -> None:
    """Let the layer believe that gradients are wanted: then it does not run as one operator."""
    for node in list(nodes_of(graph)):
        if node.kind() in ("aten::is_grad_enabled", "prim::requires_grad"):
            with graph.insert_point_guard(node):
                node.output().replaceAllUsesWith(graph.insertConstant(True))  # noqa: FBT003


def _hand_over(graph: Any, node: Any) -> None:
    """Put our operator in the place of torch's, where the node is one."""
    if not node.kind().startswith(("aten::", "torchvision::")):
        return
    operator = handover.dispatched(torch._C.parse_schema(node.schema()))  # noqa: SLF001
    if operator is None:
        return
    ours = graph.create(handover.stand_in(operator), list(node.inputs()), node.outputsSize())
    ours.copyMetadata(node)
    ours.insertBefore(node)
    for old, new in zip(node.outputs(), ours.outputs(), strict=True):
        new.setType(old.type())
        old.replaceAllUsesWith(new)
    node.destroy()
