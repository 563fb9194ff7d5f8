"""Modules whose work a graph spreads over several operators, and that are one call for all that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from actdiag import functions
from actdiag.capture.operations import Kind, Operation, classify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_RECURRENT: dict[str, Callable[..., Any]] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN": torch.rnn_tanh,
    "LSTMCell": torch.lstm_cell,
    "GRUCell": torch.gru_cell,
    "RNNCell": torch.rnn_tanh_cell,
}
_MEANT = {"relu6": {"hardtanh"}, "softmax2d": {"softmax"}, "selu": {"elu"}, "celu": {"elu"}}
_MEANT |= {"silu": {"sigmoid"}, "gelu_tanh": {"gelu"}}


def whole(qualified: str, operators: Iterable[str]) -> Operation | None:
    """The one operation that a module of this class is, if its operators do not tell so.

    Args:
        qualified: qualified name of the module's class.
        operators: names of the operators within it, such as ``aten::addmm``.
    """
    if not qualified.startswith("torch.nn.modules."):
        return None
    name = qualified.rpartition(".")[2]
    inside = {operator.rpartition("::")[2].strip("_") for operator in operators}
    if name == "MultiheadAttention":
        fused = "native_multi_head_attention" in inside
        fused = fused and "multi_head_attention_forward" not in inside
        return None if fused else classify(F.multi_head_attention_forward)
    if name in ("Linear", "NonDynamicallyQuantizableLinear"):
        return None if inside & {"linear"} else classify(F.linear)
    if name in _RECURRENT:
        seen = {word for word in inside if word.removesuffix("_cell") in _NAMES}
        found: Any = _RECURRENT[name]
        return None if seen else replace(classify(found), kind=Kind.LAYER)
    row = functions.by_module(qualified)
    if row is None or row.name == "identity":
        return None
    rows = (functions.by_operator(f"aten::{word}") for word in inside)
    told = {found.name for found in rows if found is not None}
    if told & ({row.name} | _MEANT.get(row.name, set())):
        return None
    return Operation(Kind.ACTIVATION, row.name, row=row)


_NAMES = {"lstm", "gru", "rnn_tanh", "rnn_relu"}
