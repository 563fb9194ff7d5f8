"""Statistics of the weights of a live module, or of a state dict alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from actdiag.capture.declared import class_name, own_parameters
from actdiag.capture.graphs import modules_of
from actdiag.capture.wrappers import plain_name
from actdiag.stats.weights import weight_stats
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from actdiag.records import WeightStats

_KINDS = {
    "linear": ("Linear", "Bilinear"),
    "conv": ("Conv",),
    "embedding": ("Embedding",),
    "norm": ("Norm",),
    "recurrent": ("LSTM", "GRU", "RNN"),
    "attention": ("MultiheadAttention",),
}


_MAGNITUDE = "weight_g"  # of weight_norm's older form: one number per row, no matrix
_DIRECTIONS = ("weight_v", "weight_orig")  # whose own scale a norm takes away


def _kind(class_name: str, parameter: str) -> str:
    if parameter == _MAGNITUDE:
        return "other"
    if parameter.startswith("bias") or "_bias" in parameter:
        return "bias"
    kinds = (kind for kind, marks in _KINDS.items() if any(mark in class_name for mark in marks))
    return next(kinds, "other")


def weights_of(module: nn.Module) -> tuple[WeightStats, ...]:
    """Statistics of every parameter and floating-point buffer; a shared one is told once.

    A layer whose weight is computed from others (weight norm, spectral norm) has that told too: its
    scale is the layer's, and those that it is computed from have none of their own.
    """
    classes = {name: declared.class_name for name, declared in modules_of(module).items()}
    found = []
    for given_name, owner in module.named_modules():
        owner_name = plain_name(given_name)
        own_class = classes.get(printable(owner_name), class_name(owner))
        buffers = dict(owner.named_buffers(recurse=False))
        for name, tensor in [*owner.named_parameters(recurse=False), *buffers.items()]:
            if not is_lazy(tensor) and tensor.is_floating_point():
                full = f"{owner_name}.{name}".lstrip(".")
                kind = "buffer" if name in buffers else _kind(own_class, name)
                found.append((printable(full), printable(owner_name), kind, tensor))
        for tensor in _computed(owner):
            full = printable(f"{owner_name}.weight".lstrip("."))
            found.append((full, printable(owner_name), _kind(own_class, "weight"), tensor))
    unique = {id(entry[3]): entry for entry in reversed(found)}
    return tuple(
        _without_scale(weight_stats(full, owner_name, kind, tensor, tensor.requires_grad))
        for full, owner_name, kind, tensor in reversed(unique.values())
    )


def _computed(owner: nn.Module) -> Iterator[Tensor]:
    """The weight of a layer that is no parameter but computed from some, as it is now."""
    if is_parametrized(owner, "weight"):
        training = owner.training
        owner.eval()  # spectral norm moves its vectors on at every reading in training
        weight: Any = owner.weight
        owner.train(training)
    elif hasattr(owner, _MAGNITUDE) or any(hasattr(owner, name) for name in _DIRECTIONS):
        weight = getattr(owner, "weight", None)
    else:
        return
    if isinstance(weight, Tensor) and weight.is_floating_point():
        trainable = any(one.requires_grad for one in own_parameters(owner) if one.dim() > 1)
        yield weight.detach().requires_grad_(trainable)


def _without_scale(weight: WeightStats) -> WeightStats:
    if not weight.name.endswith(_DIRECTIONS):
        return weight
    return replace(weight, fan_in=None, fan_out=None, he_ratio=None, xavier_ratio=None)


def weights_of_state(state: Mapping[str, Tensor]) -> tuple[WeightStats, ...]:
    """Statistics of the tensors of a state dict whose class is not known.

    What is a weight is read off the names and the number of axes: matrices and convolution
    kernels under ``weight`` are layers, everything else is told without a fan.
    """
    found = []
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        module, _, parameter = name.rpartition(".")
        if parameter.startswith("bias"):
            kind = "bias"
        elif parameter.startswith("running_"):
            kind = "buffer"
        elif parameter == "weight" and tensor.dim() > 1:
            kind = "linear" if tensor.dim() == 2 else "conv"  # noqa: PLR2004 - a matrix
        else:
            kind = "other"
        found.append(weight_stats(printable(name), printable(module), kind, tensor, True))  # noqa: FBT003
    return tuple(found)
