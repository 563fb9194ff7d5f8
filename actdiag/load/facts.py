"""Counting a model: the numbers of the report that need no forward pass."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from torch import fx
from torch.nn.parameter import is_lazy

from actdiag.text import printable

if TYPE_CHECKING:
    from torch import Tensor, nn

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def class_name(module: nn.Module) -> str:
    """The class a person wrote; a graph knows the one that it was made from."""
    original = getattr(module, "original_name", None)
    if isinstance(module, fx.GraphModule):
        stacks = (node.meta.get("nn_module_stack") or {} for node in module.graph.nodes)
        outermost = (entry for stack in stacks for entry in list(stack.values())[:1])
        named = next((qualified for name, qualified in outermost if not name), None)
        original = named.rpartition(".")[2] if isinstance(named, str) else None
    return printable(original if isinstance(original, str) else type(module).__name__)


def counted(module: nn.Module | None, state: dict[str, Tensor]) -> dict[str, Any]:
    """Numbers of parameters and their prevailing dtype.

    Of a bare state dict nobody knows what was trainable: all floating tensors count, except the
    statistics that normalisation layers gather.
    """
    if module is not None:
        tensors: list[Tensor] = [item for item in module.parameters() if not is_lazy(item)]
        trainable = sum(item.numel() for item in tensors if item.requires_grad)
    else:
        tensors = [
            item
            for name, item in state.items()
            if name.rpartition(".")[2] not in STATISTICS and item.is_floating_point()
        ]
        trainable = sum(item.numel() for item in tensors)
    sizes: Counter[str] = Counter()
    for item in tensors:
        sizes[str(item.dtype).removeprefix("torch.")] += item.numel()
    dtype = sizes.most_common(1)[0][0] if sizes else None
    return {"parameters": sum(sizes.values()), "trainable_parameters": trainable, "dtype": dtype}
