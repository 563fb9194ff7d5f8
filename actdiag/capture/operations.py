"""What each torch function means to the capture: an activation, a layer, a move of axes, a sum."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from actdiag import functions
from actdiag.records import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.functions.row import ActivationFunction


class Kind(Enum):
    """How the capture treats a call."""

    IGNORED = auto()  # reads a property, or makes a tensor of constants
    ACTIVATION = auto()
    SOFTMAX = auto()  # an activation, or what turns the scores of an attention into weights
    CLAMP = auto()  # an activation, if its limits say so
    LAYER = auto()  # has weights or mixes units: a site whose units are known
    ATTENTION = auto()
    MULTI_HEAD = auto()
    RECURRENT = auto()  # all steps and layers in one call
    CELL = auto()  # one step of a recurrent layer
    MATMUL = auto()  # a layer when one side is a weight
    PRODUCT = auto()  # a scaling, or a gate
    MOVE = auto()  # permutes axes
    RESHAPE = auto()
    INDEX = auto()
    WRITE = auto()  # into a tensor made before
    LEAVE = auto()  # torch, for numpy
    EXPOSE = auto()  # values to changes that leave no trace
    PASS = auto()  # linear, keeps every axis
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Operation:
    """One torch function, classified.

    ``unit_axis`` is the axis of the units in the result, from the end (−1 is the last).
    """

    kind: Kind
    name: str
    role: Role | None = None
    row: ActivationFunction | None = None
    unit_axis: int | None = None


_LAYERS: dict[str, tuple[Role, int]] = {
    "linear": (Role.LINEAR, -1),
    "bilinear": (Role.LINEAR, -1),
    "conv1d": (Role.CONV, -2),
    "conv2d": (Role.CONV, -3),
    "conv3d": (Role.CONV, -4),
    "conv_transpose1d": (Role.CONV, -2),
    "conv_transpose2d": (Role.CONV, -3),
    "conv_transpose3d": (Role.CONV, -4),
    "embedding": (Role.BLOCK, -1),
    "embedding_bag": (Role.BLOCK, -1),
    "layer_norm": (Role.NORM, -1),
    "rms_norm": (Role.NORM, -1),
    "scaled_dot_product_attention": (Role.ATTENTION, -1),
    "multi_head_attention_forward": (Role.ATTENTION, -1),
    "lstm": (Role.RECURRENT, -1),
    "gru": (Role.RECURRENT, -1),
    "rnn_tanh": (Role.RECURRENT, -1),
    "rnn_relu": (Role.RECURRENT, -1),
    "lstm_cell": (Role.RECURRENT, -1),
    "gru_cell": (Role.RECURRENT, -1),
    "rnn_tanh_cell": (Role.RECURRENT, -1),
    "rnn_relu_cell": (Role.RECURRENT, -1),
}
_OWN_KINDS = {
    "scaled_dot_product_attention": Kind.ATTENTION,
    "multi_head_attention_forward": Kind.MULTI_HEAD,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), Kind.RECURRENT),
    **dict.fromkeys(("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), Kind.CELL),
}
_SECOND_AXIS_NORMS = ("batch_norm", "group_norm", "instance_norm")
_MOVES = {"permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "adjoint"}
_RESHAPES = {"view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "ravel"}
_RESHAPES |= {"view_as", "reshape_as"}
_PASSES = {
    *("contiguous", "clone", "detach", "to", "float", "double", "half", "bfloat16", "type", "neg"),
    *("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "dropout1d"),
    *("dropout2d", "dropout3d", "cpu", "cuda", "requires_grad", "expand", "expand_as"),
    *("add", "sub", "rsub", "div", "true_divide", "subtract", "divide"),
}
_PROPERTIES: dict[Callable[..., Any], Operation] = {
    # of a tensor, that give its values; all others are only read
    getattr(torch.Tensor, name).__get__: Operation(kind, name)
    for kind, names in (
        (Kind.MOVE, ("T", "mT", "H", "mH")),
        (Kind.EXPOSE, ("data",)),
        (Kind.PASS, ("real", "imag")),
    )
    for name in names
}
_PROPERTIES[torch.Tensor.data.__set__] = Operation(Kind.EXPOSE, "data")  # type: ignore[attr-defined]
_READS = {"dim", "size", "numel", "is_contiguous", "stride", "element_size", "__get__", "__set__"}
_CONSTANTS = {"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"}
_CONSTANTS |= {"zeros", "ones", "full", "empty"}  # though a size may be computed
_READS |= {"is_floating_point", "is_complex", "data_ptr", "ndimension", "__len__", "item", "tolist"}

KNOWN_SHAPERS = {
    # not linear, but known for what they are: nothing to classify
    *("pow", "square", "sqrt", "abs", "reciprocal", "logical_not", "logical_and", "logical_or"),
    *("cat", "concat", "concatenate", "stack", "hstack", "vstack", "chunk", "split", "unbind"),
    *("getitem", "narrow", "select", "index_select", "gather", "take_along_dim", "roll", "flip"),
    *("repeat", "repeat_interleave", "pad", "unfold", "fold", "tile"),
    *("index_add", "scatter_add", "scatter_reduce", "index_reduce", "segment_reduce"),
    *("mean", "sum", "amax", "amin", "max", "min", "var", "std", "norm", "argmax", "argmin"),
    *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d"),
    *("adaptive_max_pool2d", "adaptive_max_pool3d", "lp_pool1d", "lp_pool2d", "topk", "sort"),
    *(
        "interpolate",
        "upsample",
        "pixel_shuffle",
        "pixel_unshuffle",
        "masked_fill",
        "masked_select",
    ),
    *("zero", "fill", "empty_like"),
    *("fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "fft_fft2", "fft_ifft2", "fft_rfft2"),
    *("fft_irfft2", "fft_fftn", "fft_ifftn", "fft_rfftn", "fft_irfftn", "stft", "istft"),
    *("rand_like", "randn_like", "new_empty", "new_tensor"),
    *("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isfinite", "isinf", "any", "all", "type_as"),
    *("matmul", "bmm", "einsum", "baddbmm", "mm", "addmm", "rmatmul", "mul", "cumsum", "tril"),
    *("normalize", "linalg_norm", "pack_padded_sequence", "triu", "rsqrt"),
    *("real", "imag", "view_as_real", "diff"),
    *("tensor_split", "hsplit", "vsplit", "dsplit", "index"),
}


def second_axis(dimensions: int) -> int:
    """Axis 1 counted from the end; the only axis of a vector."""
    return 1 - dimensions if dimensions > 1 else -1


@cache
def classify(function: Callable[..., Any]) -> Operation:
    """Classify a function handed over by ``__torch_function__``."""
    if function in _PROPERTIES:
        return _PROPERTIES[function]
    short = getattr(function, "__name__", str(function))
    if short in _READS or short in _CONSTANTS:
        return Operation(Kind.IGNORED, short)
    qualified = torch.overrides.resolve_name(function)
    name = short.strip("_")
    row = functions.by_callable(qualified) if qualified else None
    if name in ("clamp", "clip", "clamp_min"):
        return Operation(Kind.CLAMP, name)
    if row is not None and row.name != "identity":
        role = Role.ACTIVATION if row.elementwise else None
        kind = Kind.SOFTMAX if row.name == "softmax" else Kind.ACTIVATION
        return Operation(kind, row.name, role, row)
    if name in _LAYERS:
        role, axis = _LAYERS[name]
        return Operation(_OWN_KINDS.get(name, Kind.LAYER), name, role, unit_axis=axis)
    if name in _SECOND_AXIS_NORMS:
        return Operation(Kind.LAYER, name, Role.NORM)
    kinds = {
        Kind.MATMUL: {"matmul", "mm", "addmm", "rmatmul", "bmm", "baddbmm", "einsum"},
        Kind.PRODUCT: {"mul", "multiply", "rmul", "imul"},
        Kind.MOVE: _MOVES,
        Kind.RESHAPE: _RESHAPES,
        Kind.INDEX: {"getitem"},
        Kind.WRITE: {"setitem", "copy", "index_copy", "index_put", "scatter", "masked_scatter"},
        Kind.LEAVE: {"numpy", "array"},
        Kind.PASS: _PASSES,
    }
    for kind, names in kinds.items():
        if name in names:
            return Operation(kind, name)
    return Operation(Kind.OTHER, name)


def clamp_row(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ActivationFunction | None:
    """``clamp(x, min=0)`` is ReLU, ``clamp(x, 0, 6)`` ReLU6; other limits are no activation."""
    low = kwargs.get("min", args[1] if len(args) > 1 else None)
    high = kwargs.get("max", args[2] if len(args) > 2 else None)  # noqa: PLR2004
    if isinstance(low, torch.Tensor) or isinstance(high, torch.Tensor) or low != 0:
        return None
    if high is None:
        return functions.get("relu")
    return functions.get("relu6") if high == 6 else None  # noqa: PLR2004 - the six of ReLU6


def settings_of(
    row: ActivationFunction, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, float]:
    """The function's own settings as called, such as ``negative_slope``, over their defaults."""
    settings = dict(row.settings)
    for place, key in enumerate(row.settings, start=1):
        given = kwargs.get(key, args[place] if place < len(args) else None)
        if isinstance(given, int | float) and not isinstance(given, bool):
            settings[key] = float(given)
    return settings


def moved_axis(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any], axis: int) -> int:
    """Where ``axis`` of the first argument lies after a permutation of axes.

    Permutes a tensor of axis numbers instead of reading each function's own arguments.
    """
    tensor = args[0] if args else kwargs["input"]
    probe = torch.empty([place + 2 for place in range(tensor.dim())], device="meta")
    method = getattr(torch.Tensor, operation)
    if not callable(method):  # a property, such as mT
        return [size - 2 for size in method.__get__(probe).shape].index(axis)
    moved = method(probe, *args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
    return [size - 2 for size in moved.shape].index(axis)
