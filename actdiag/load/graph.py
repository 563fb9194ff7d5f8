"""The layers of an exported program (``.pt2``), read from the JSON in the archive, never run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actdiag import functions
from actdiag.load.layers import function_of
from actdiag.records import Layer, TensorFacts
from actdiag.text import printable

if TYPE_CHECKING:
    from actdiag.load.archive import Archive

# torch._export.serde.schema.ScalarType
DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
    8: "float64", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16",
}  # fmt: skip
WEIGHTS = "data/weights/model_weights_config.json"
PROGRAMS = ("models/model.json", "serialized_exported_program.json")
SIZE_LIMIT = 1 << 40
_ATTENTION = "aten::scaled_dot_product_attention"


@dataclass
class _Node:
    class_path: str | None = None
    tensors: list[TensorFacts] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)


def layers_of_program(archive: Archive) -> tuple[Layer, ...]:
    """The modules that the program was made of, with the functions that its graph calls.

    Raises:
        ValueError: the archive holds no program that can be read.
    """
    try:
        program = json.loads(
            archive.read(next(name for name in PROGRAMS if name in archive)).decode()
        )
        weights = json.loads(archive.read(WEIGHTS)) if WEIGHTS in archive else {}
        nodes: dict[str, _Node] = {"": _Node()}
        for name, facts in weights.get("config", {}).items():
            owner, _, leaf = name.rpartition(".")
            _node(nodes, owner).tensors.append(_facts(leaf, facts))
        for call in program["graph_module"]["graph"]["nodes"]:
            _read_call(nodes, call)
    except Exception as error:  # hostile input fails in any way
        raise ValueError(f"the program is damaged: {type(error).__name__}") from error
    return tuple(
        Layer(
            name=printable(name),
            depth=name.count(".") + 1 if name else 0,
            class_path=node.class_path and printable(node.class_path),
            tensors=tuple(node.tensors),
            function=function_of([node.class_path or ""], {}),
            functions={} if function_of([node.class_path or ""], {}) else node.functions,
        )
        for name, node in sorted(nodes.items(), key=lambda entry: _order(nodes, entry[0]))
    )


def _order(nodes: dict[str, _Node], name: str) -> list[int]:
    """Parents first, then in the order of first appearance."""
    places = {known: place for place, known in enumerate(nodes)}
    parts = name.split(".")
    return [places.get(".".join(parts[:depth]), 0) for depth in range(1, len(parts) + 1) if name]


def _node(nodes: dict[str, _Node], name: str) -> _Node:
    parts = name.split(".") if name else []
    for depth in range(1, len(parts) + 1):
        nodes.setdefault(".".join(parts[:depth]), _Node())
    return nodes[name]


def _facts(name: str, entry: dict[str, Any]) -> TensorFacts:
    meta = entry.get("tensor_meta") or {}
    sizes = [size.get("as_int") for size in meta.get("sizes", [])]
    known = all(isinstance(size, int) and 0 <= size < SIZE_LIMIT for size in sizes)
    buffer = entry.get("is_param") is False
    return TensorFacts(
        name=printable(name),
        shape=tuple(sizes) if known else None,
        dtype=DTYPES.get(meta.get("dtype", 0)),
        trainable=not buffer and meta.get("requires_grad") is True,
        buffer=buffer,
    )


def _read_call(nodes: dict[str, _Node], call: dict[str, Any]) -> None:
    """Note the modules that an operation lies in, and its function on the innermost one."""
    owner = nodes[""]
    stack = call.get("metadata", {}).get("nn_module_stack", "")
    for entry in filter(None, stack.split(";")):
        _, path, class_path = entry.split(",", 2)
        owner = _node(nodes, path)
        owner.class_path = class_path
    operator = call["target"].removeprefix("torch.ops.").replace(".", "::", 1)
    row = functions.by_operator(operator)
    name = operator.partition(".")[0]
    if row is not None:
        owner.functions[printable(name)] = row.name
    elif name == _ATTENTION:
        owner.functions[name] = "softmax"
