"""What kind of layer something is: by its class, else by the names and shapes of its weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actdiag.inspection.tree import last_part
from actdiag.records import KindCount, Layer, TensorFacts

if TYPE_CHECKING:
    from actdiag.inspection.tree import Tree

_BY_CLASS = (
    ("attention", ("MultiheadAttention",)),
    ("conv", ("Conv",)),
    ("embedding", ("Embedding",)),
    ("norm", ("Norm",)),
    ("recurrent", ("LSTM", "GRU", "RNN")),
    ("linear", ("Linear", "Bilinear")),
)
_TRANSPOSED = "Conv1D"  # of transformers: a linear layer that keeps its matrix the other way round
_EMBEDDINGS = ("emb", "wte", "wpe", "tok", "vocab")
_MATRIX = 2


@dataclass(frozen=True, slots=True)
class Matrix:
    """A linear layer: ``inputs`` → ``outputs``, and its parameters, the bias included."""

    layer: Layer
    inputs: int
    outputs: int
    parameters: int


def kind_of(layer: Layer) -> str:
    """linear, conv, norm, embedding, recurrent, attention, activation, or other."""
    tensors = {tensor.name: tensor for tensor in layer.tensors}
    if layer.function is not None:
        return "activation"
    name = layer.class_name
    if name == _TRANSPOSED:
        return "linear"
    if name is not None:
        found = (kind for kind, marks in _BY_CLASS if any(mark in name for mark in marks))
        kind = next(found, "other")
        return kind if tensors or kind in {"norm", "attention"} else "other"
    return _by_weights(last_part(layer).casefold(), tensors)


def _by_weights(name: str, tensors: dict[str, TensorFacts]) -> str:
    if any(key.startswith("weight_ih") for key in tensors):
        return "recurrent"
    if "in_proj_weight" in tensors:
        return "attention"
    weight = tensors.get("weight")
    axes = len(weight.shape) if weight is not None and weight.shape is not None else 0
    if "running_mean" in tensors or axes == 1:
        return "norm"
    if axes > _MATRIX:
        return "conv"
    if axes < _MATRIX:
        return "other"
    bare = "bias" not in tensors
    return "embedding" if bare and any(mark in name for mark in _EMBEDDINGS) else "linear"


def matrix_of(layer: Layer) -> Matrix | None:
    """The matrix of a linear layer; null for other layers."""
    if kind_of(layer) != "linear":
        return None
    tensors = {tensor.name: tensor for tensor in layer.tensors}
    weight, bias = tensors.get("weight"), tensors.get("bias")
    if weight is None or weight.shape is None or len(weight.shape) != _MATRIX:
        return None
    outputs, inputs = weight.shape
    lies_across = (
        bias is not None
        and layer.class_name is None
        and bias.shape == (inputs,)
        and inputs != outputs
    )
    if layer.class_name == _TRANSPOSED or lies_across:
        outputs, inputs = inputs, outputs
    return Matrix(layer, inputs, outputs, weight.elements + (bias.elements if bias else 0))


def outputs_of(layer: Layer) -> int | None:
    """Features or channels that a linear layer or a convolution gives; null for other layers."""
    if matrix := matrix_of(layer):
        return matrix.outputs
    given = layer.settings.get("out_channels")
    if isinstance(given, int):
        return given
    weight = next((tensor for tensor in layer.tensors if tensor.name == "weight"), None)
    if kind_of(layer) != "conv" or weight is None or not weight.shape:
        return None
    return weight.shape[1 if "Transpose" in (layer.class_name or "") else 0]


def counted(tree: Tree) -> tuple[KindCount, ...]:
    """Layers and parameters by kind, most parameters first; shared tensors are counted once."""
    layers: Counter[str] = Counter()
    parameters: Counter[str] = Counter()
    for layer in tree.layers:
        own = [tensor for tensor in layer.tensors if not tensor.buffer and not tensor.shared]
        above = tree.parent(layer)
        part = above is not None and kind_of(above) == "attention"
        kind = "attention" if part else kind_of(layer)
        if own or kind == "activation":
            layers[kind] += not part
            parameters[kind] += sum(tensor.elements for tensor in own)
    return tuple(
        KindCount(kind, layers[kind], parameters[kind])
        for kind in sorted(layers, key=lambda kind: (-parameters[kind], kind))
    )
