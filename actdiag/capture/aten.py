"""Operators of aten as the functions of torch that they stand for.

A graph of TorchScript or of ``torch.export`` calls operators where Python code calls functions.
Each operator is handed to what observes the function, with the function's own arguments, so that
both give the same sites. Files made by older versions, and programs that were decomposed, hold
parts of a function: ``addmm`` with a transposed weight is a linear layer again.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from actdiag import functions
from actdiag.capture.observer import Call
from actdiag.capture.operations import Kind, Operation, classify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch._ops import OpOverload

_HOMES: tuple[Any, ...] = (F, torch, torch._C._nn, Tensor)  # noqa: SLF001 - where functions live
_OTHER_WORDS: dict[str, Callable[..., Any]] = {
    "slice": torch.narrow,
    **dict.fromkeys(("index_put", "index_put_", "slice_scatter"), Tensor.__setitem__),
    **dict.fromkeys(("_unsafe_view", "_reshape_alias", "_reshape_copy", "view_copy"), Tensor.view),
    **dict.fromkeys(("alias", "lift_fresh_copy", "detach_", "alias_copy"), Tensor.detach),
    **dict.fromkeys(("_softmax", "_safe_softmax"), torch.softmax),
    "_log_softmax": torch.log_softmax,
    "_prelu_kernel": torch.prelu,
    "log_sigmoid_forward": F.logsigmoid,
    **dict.fromkeys(("rrelu_with_noise", "rrelu_with_noise_functional"), F.rrelu),
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit"), F.batch_norm),
    "_native_batch_norm_legit_no_training": F.batch_norm,
    **dict.fromkeys(("_batch_norm_impl_index", "cudnn_batch_norm"), F.batch_norm),
    **dict.fromkeys(("_batch_norm_no_update", "_batch_norm_with_update"), F.batch_norm),
    "native_layer_norm": F.layer_norm,
    "native_group_norm": F.group_norm,
    "_fused_rms_norm": F.rms_norm,
    **dict.fromkeys(("native_dropout", "feature_dropout", "feature_dropout_"), F.dropout),
    "_to_copy": Tensor.to,
    "constant_pad_nd": F.pad,
    **dict.fromkeys(("split_with_sizes", "unsafe_split", "unsafe_split_with_sizes"), torch.split),
    "unsafe_chunk": torch.chunk,
    "max_pool2d_with_indices": F.max_pool2d,
    "max_pool3d_with_indices": F.max_pool3d,
}
_PROPERTIES = {"numpy_T": "T", "matrix_H": "H", "mT": "mT", "mH": "mH"}
_WEIGHT_FIRST = {"embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"}
_CONVOLUTIONS = {"_convolution", "convolution", "mkldnn_convolution", "cudnn_convolution"}
_TRANSPOSED = 6  # of ``transposed`` among the arguments of a convolution
_SELU_SCALE = 1.0507009873554805


@cache
def operation_of(operator: OpOverload) -> Operation:
    """What an operator means to the capture."""
    name = short_name(operator)
    if name in ("index", "_unsafe_index"):
        return Operation(Kind.OTHER, "index")
    if name in _PROPERTIES:
        return classify(getattr(Tensor, _PROPERTIES[name]).__get__)
    if name in _WEIGHT_FIRST:
        return classify(F.embedding)
    if "scaled_dot_product" in name:
        return classify(F.scaled_dot_product_attention)
    function = _OTHER_WORDS.get(name)
    homes = (home for home in _HOMES if hasattr(home, name))
    if function is None and (home := next(homes, None)) is not None:
        function = getattr(home, name)
    found = classify(function) if function is not None else Operation(Kind.OTHER, name.strip("_"))
    row = functions.by_operator(f"aten::{name}")
    if row is not None and found.kind is Kind.OTHER:
        return Operation(Kind.ACTIVATION, row.name, row=row)
    return found


def short_name(operator: OpOverload) -> str:
    """``relu_`` of ``aten::relu_``."""
    return str(operator._schema.name).rpartition("::")[2]  # noqa: SLF001 - no public way


def translated(
    operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], turned: Turned
) -> tuple[Operation, Call]:
    """The operation that a call of ``operator`` is, and the call as its function's own.

    The call, once made, calls the operator as it was called.
    """
    name, operation = short_name(operator), operation_of(operator)

    def made(*_: Any, **__: Any) -> Any:
        return operator(*args, **kwargs)

    if name in _CONVOLUTIONS:
        return classify(_convolution(args)), Call(made, args[:3], {})
    if name in _WEIGHT_FIRST:
        return operation, Call(made, (args[1], args[0]), {})
    if name.startswith("_scaled_dot_product"):
        return operation, Call(made, args[:3], _attention_settings(operator, args, kwargs))
    if name in ("addmm", "mm", "matmul"):
        linear = turned.linear(args)
        if linear is not None:
            return classify(F.linear), Call(made, linear, {})
    if name in ("elu", "elu_") and len(args) > 2:  # noqa: PLR2004 - with a scale: SELU or CELU
        return _elu(operation, Call(made, args, kwargs))

    def passed(*a: Any, **k: Any) -> Any:
        return operator(*a, **k)

    passed.__name__ = name
    return operation, Call(passed, args, kwargs)


def _convolution(args: tuple[Any, ...]) -> Callable[..., Any]:
    transposed = len(args) > _TRANSPOSED and args[_TRANSPOSED] is True
    name = f"conv{'_transpose' if transposed else ''}{args[1].dim() - 2}d"
    found: Callable[..., Any] = getattr(F, name)
    return found


def _attention_settings(
    operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    names = [argument.name for argument in operator._schema.arguments]  # noqa: SLF001
    given = dict(zip(names, args, strict=False)) | kwargs
    mask = given.get("attn_mask", given.get("attn_bias"))
    known = ("is_causal", "scale", "enable_gqa")
    return {"attn_mask": mask} | {key: given[key] for key in known if key in given}


def _elu(operation: Operation, call: Call) -> tuple[Operation, Call]:
    alpha, scale, *inner = call.args[1:]
    if abs(float(scale) - _SELU_SCALE) < 1e-6:  # noqa: PLR2004 - float32 has seven digits
        return classify(F.selu), Call(call.function, call.args[:1], {})
    if inner and float(inner[0]) != 1.0:
        return classify(F.celu), Call(call.function, (call.args[0], alpha), {})
    return operation, call


class Turned:
    """The weights that were transposed in this forward pass, by what came out of it."""

    def __init__(self) -> None:
        self._origin: dict[int, tuple[Tensor, Tensor]] = {}

    def clear(self) -> None:
        """The forward pass is over."""
        self._origin.clear()

    def note(self, operator: OpOverload, source: Tensor, result: Any) -> None:
        """``result`` may be a weight matrix turned round."""
        turns = short_name(operator) in ("t", "transpose", "permute", "numpy_T")
        if turns and source.dim() == 2 and isinstance(result, Tensor):  # noqa: PLR2004 - a matrix
            self._origin[id(result)] = (result, source)

    def linear(self, args: Sequence[Any]) -> tuple[Any, ...] | None:
        """The arguments of ``linear``, if these of ``addmm``, ``mm`` or ``matmul`` are one."""
        *bias, x, weight = args[-3:] if len(args) > 2 else args[-2:]  # noqa: PLR2004
        entry = self._origin.get(id(weight))
        return None if entry is None else (x, entry[1], *bias)
