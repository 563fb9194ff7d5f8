"""The layer that receives the input, and what it takes: read from the module, nothing is run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRAPPERS = {"DataParallel", "DistributedDataParallel", "OptimizedModule"}
_KEEPS_SHAPE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
_KINDS = {
    "Linear": "linear",
    "Conv1d": "conv",
    "Conv2d": "conv",
    "Conv3d": "conv",
    "ConvTranspose1d": "conv",
    "ConvTranspose2d": "conv",
    "ConvTranspose3d": "conv",
    "Embedding": "embedding",
    "EmbeddingBag": "embedding",
    "RNN": "recurrent",
    "LSTM": "recurrent",
    "GRU": "recurrent",
    "BatchNorm1d": "norm",
    "BatchNorm2d": "norm",
    "BatchNorm3d": "norm",
    "LayerNorm": "layer-norm",
    "MultiheadAttention": "attention",
}


@dataclass(frozen=True)
class FirstLayer:
    """What the first layer with parameters takes.

    Attributes:
        name: qualified name in the model, ``""`` for the model itself.
        class_name: such as ``Conv2d``.
        kind: linear, conv, embedding, recurrent, norm (over channels), layer-norm or attention.
        expects: features, channels, or the number of ids of an embedding.
        axes: spatial axes of a convolution or batch norm, otherwise 0.
        certain: nothing but a chain of modules that keep the input as it is comes before.
        flattened: a Flatten comes before.
        time_first: a recurrent or attention layer that takes ``(time, samples, features)``.
    """

    name: str
    class_name: str
    kind: str
    expects: int
    axes: int
    certain: bool
    flattened: bool = False
    time_first: bool = False

    def __str__(self) -> str:
        return f"{self.class_name} {self.name!r}" if self.name else self.class_name


def first_layer(module: nn.Module | None) -> FirstLayer | None:
    """The first layer of a known kind with parameters of its own; None when there is none."""
    if module is None:
        return None
    flattened = False
    for name, leaf in _chain(module, ""):
        found = _unflatten(name, leaf) or _describe(name, leaf, certain=True, flattened=flattened)
        if found is not None:
            return found
        if isinstance(leaf, nn.Flatten) and leaf.start_dim == 1 and leaf.end_dim == -1:
            flattened = True
        elif not _keeps_shape(leaf):
            break
    described = (_describe(n, m, certain=False, flattened=False) for n, m in module.named_modules())
    return next((layer for layer in described if layer is not None), None)


def has_embedding(module: nn.Module | None) -> bool:
    """Whether an embedding stands anywhere in the module."""
    return module is not None and any(_kind(part)[1] == "embedding" for part in module.modules())


def floating_dtype(module: nn.Module | None) -> torch.dtype:
    """Dtype of the first floating-point parameter; float32 when there is none."""
    parameters = module.parameters() if module is not None else ()
    return next((p.dtype for p in parameters if p.dtype.is_floating_point), torch.float32)


def _chain(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """The modules that get the input one after the other, as far as that is certain."""
    wrapped = type(module).__name__ in _WRAPPERS
    if type(module) is nn.Sequential or wrapped:
        children = list(module.named_children())
        for child, part in children[:1] if wrapped else children:
            yield from _chain(part, f"{name}.{child}" if name else child)
    else:
        yield name, module


def _unflatten(name: str, leaf: nn.Module) -> FirstLayer | None:
    """An Unflatten of the feature axis tells the number of features as a linear layer does."""
    if not isinstance(leaf, nn.Unflatten) or leaf.dim != 1:
        return None
    sizes = [size for size in leaf.unflattened_size if isinstance(size, int)]
    if len(sizes) < len(leaf.unflattened_size) or min(sizes) < 1:
        return None
    return FirstLayer(name, "Unflatten", "linear", math.prod(sizes), axes=0, certain=True)


def _keeps_shape(leaf: nn.Module) -> bool:
    activation = type(leaf).__module__ == "torch.nn.modules.activation"
    return isinstance(leaf, _KEEPS_SHAPE) or (activation and _kind(leaf)[1] is None)


def _kind(part: nn.Module) -> tuple[str, str | None]:
    """Class name and kind; for TorchScript, the name that the class had."""
    original = getattr(part, "original_name", None)
    names = [original] if isinstance(original, str) else [c.__name__ for c in type(part).__mro__]
    return names[0], next((_KINDS[name] for name in names if name in _KINDS), None)


def _describe(name: str, part: nn.Module, *, certain: bool, flattened: bool) -> FirstLayer | None:
    class_name, kind = _kind(part)
    weight = next(part.parameters(recurse=False), None)
    if kind is None or weight is None or is_lazy(weight):
        return None
    expects = _expects(part, kind, weight)
    if expects is None:
        return None
    return FirstLayer(
        name=name,
        class_name=class_name,
        kind=kind,
        expects=expects,
        axes=int(class_name[-2]) if class_name[-2:] in {"1d", "2d", "3d"} else 0,
        certain=certain,
        flattened=flattened,
        time_first=kind in {"recurrent", "attention"} and not getattr(part, "batch_first", False),
    )


def _expects(part: nn.Module, kind: str, weight: torch.Tensor) -> int | None:
    """From the attribute that names it, else from the shape of the weight (TorchScript)."""
    attributes = {
        "linear": "in_features",
        "conv": "in_channels",
        "embedding": "num_embeddings",
        "recurrent": "input_size",
        "norm": "num_features",
        "attention": "embed_dim",
    }
    named: Any = getattr(part, attributes.get(kind, ""), None)
    if isinstance(named, int):
        return named
    if kind == "conv" and not hasattr(part, "groups"):
        return None  # in_channels / groups is all the weight tells
    axis = 1 if kind in {"linear", "recurrent"} else -1 if kind == "layer-norm" else 0
    return int(weight.shape[axis]) if weight.ndim > max(axis, 0) else None
