"""Statistics of the weights of a live module, or of a state dict alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.parameter import is_lazy

from actdiag.capture.declared import class_name
from actdiag.capture.graphs import modules_of
from actdiag.capture.wrappers import plain_name
from actdiag.stats.weights import weight_stats
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from actdiag.records import WeightStats

_KINDS = {
    "linear": ("Linear", "Bilinear"),
    "conv": ("Conv",),
    "embedding": ("Embedding",),
    "norm": ("Norm",),
    "recurrent": ("LSTM", "GRU", "RNN"),
    "attention": ("MultiheadAttention",),
}


def _kind(class_name: str, parameter: str) -> str:
    if parameter.startswith("bias") or "_bias" in parameter:
        return "bias"
    kinds = (kind for kind, marks in _KINDS.items() if any(mark in class_name for mark in marks))
    return next(kinds, "other")


def weights_of(module: nn.Module) -> tuple[WeightStats, ...]:
    """Statistics of every parameter and floating-point buffer; a shared one is told once."""
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
    unique = {id(entry[3]): entry for entry in reversed(found)}
    return tuple(
        weight_stats(full, owner_name, kind, tensor, tensor.requires_grad)
        for full, owner_name, kind, tensor in reversed(unique.values())
    )


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
