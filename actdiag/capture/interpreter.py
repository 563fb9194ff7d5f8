"""Runs exported programs so that each of their operators is observed, under the modules' names."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor, fx
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils import _pytree as pytree

from actdiag.capture.containers import tensors_in
from actdiag.capture.declared import replaced_forward
from actdiag.capture.exported import Frame, aliases, stack_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from actdiag.capture.relay import Relay


@contextlib.contextmanager
def observed(program: nn.Module, prefix: str, relay: Relay) -> Iterator[None]:
    """Within the block, calling the program tells ``relay`` what happens in it.

    Args:
        program: what ``ExportedProgram.module()`` gives.
        prefix: its qualified name in the model.
        relay: is told.
    """
    graph: Any = program

    def forward(*args: Any, **kwargs: Any) -> Any:
        depth = relay.begin()
        try:
            flat = _flat(graph, args, kwargs)
            result = _Interpreter(graph, prefix, relay).run(*flat, enable_io_processing=False)
            return graph.graph.process_outputs(result)
        finally:
            relay.end(depth)

    with replaced_forward(program, forward):
        yield


def _flat(program: fx.GraphModule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The inputs as the program's placeholders take them."""
    spec: Any = getattr(program, "_in_spec", None)
    if spec is not None:
        kwargs = {key: kwargs[key] for key in spec.child(1).context if key in kwargs}
    return pytree.tree_leaves((args, kwargs))


@dataclass(slots=True)
class _Span:
    """The operators of one call of a module, one after the other."""

    frame: Frame
    depth: int
    nodes: list[fx.Node] = field(default_factory=list)

    def inputs(self) -> list[fx.Node]:
        """What was computed before and is used here."""
        inside = set(self.nodes)
        used = (node for mine in self.nodes for node in mine.all_input_nodes)
        return [node for node in dict.fromkeys(used) if node not in inside and _computed(node)]

    def outputs(self) -> list[fx.Node]:
        """What is used later, or what came last."""
        inside = set(self.nodes)
        later = [node for node in self.nodes if any(user not in inside for user in node.users)]
        return later or self.nodes[-1:]


def _computed(node: fx.Node) -> bool:
    return node.op in ("call_function", "placeholder")


def _spans(graph: fx.Graph, outer: int) -> list[_Span]:
    """The calls of modules, in the order in which they begin; ``outer`` frames run already."""
    spans: list[_Span] = []
    running: list[_Span] = []
    for node in graph.nodes:
        stack = stack_of(node)[outer:]
        if node.op != "call_function" or not node.meta.get("nn_module_stack"):
            continue
        same = 0
        for span, frame in zip(running, stack, strict=False):
            if span.frame != frame:
                break
            same += 1
        del running[same:]
        for depth in range(same, len(stack)):
            running.append(_Span(stack[depth], depth))
            spans.append(running[-1])
        for span in running:
            span.nodes.append(node)
    return spans


class _Interpreter(fx.Interpreter):
    """Runs a graph node by node and tells what begins, what is called and what ends."""

    def __init__(self, program: fx.GraphModule, prefix: str, relay: Relay, outer: int = 0) -> None:
        super().__init__(program)
        self.extra_traceback = False  # it would be written into the exception's own message
        self._relay, self._prefix, self._outer = relay, prefix, outer
        self._begins: dict[fx.Node, list[_Span]] = {}
        self._ends: dict[fx.Node, list[_Span]] = {}
        self._given: dict[int, list[Tensor]] = {}
        self._aliases = aliases(program)
        for span in _spans(program.graph, outer):
            self._begins.setdefault(span.nodes[0], []).append(span)
            self._ends.setdefault(span.nodes[-1], []).insert(0, span)

    def run_node(self, n: fx.Node) -> Any:
        """Run one node, between the modules that begin before it and end after it."""
        for span in self._begins.get(n, ()):
            self._begin(span)
        result = super().run_node(n)
        for span in self._ends.get(n, ()):
            made = [result if node is n else self.env.get(node) for node in span.outputs()]
            self._relay.leave(self._given.pop(id(span)), list(tensors_in(made)))
        return result

    def _begin(self, span: _Span) -> None:
        own = self._aliases.get(span.frame[1], span.frame[1])
        name = ".".join(part for part in (self._prefix, own) if part)
        targets = [node.target for node in span.nodes if isinstance(node.target, OpOverload)]
        operators = {str(target._schema.name) for target in targets}  # noqa: SLF001
        self._given[id(span)] = list(tensors_in([self.env.get(node) for node in span.inputs()]))
        self._relay.enter(name, whole=self._relay.operators_are_one(name, operators))

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an operator under observation; what takes graphs of its own runs them likewise."""
        if isinstance(target, OpOverload):
            return self._relay.call(target, args, kwargs)
        if isinstance(target, HigherOrderOperator):
            args = tuple(self._watched(entry) for entry in args)
        return super().call_function(target, args, kwargs)

    def _watched(self, value: Any) -> Any:
        if not isinstance(value, fx.GraphModule):
            return value
        outer = self._relay.depth_within(self._prefix)
        return _Interpreter(value, self._prefix, self._relay, outer).run
