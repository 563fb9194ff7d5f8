"""Fresh weights by the textbook, for a copy of the model."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from actdiag.measure import Batch

_READINGS = 15  # spectral norm takes a step towards the norm of new weights at each, in training


def initialise(module: nn.Module, scheme_of: Callable[[str], str], seed: int = 0) -> None:
    """Draw every linear and convolution weight afresh, He or Xavier; biases become 0.

    Norms scale by 1 again, and what they remember is forgotten: see :func:`settle`.
    """
    import torch
    from torch import nn

    from actdiag.capture.graphs import modules_of
    from actdiag.steps.bench import seeded

    classes = {name: declared.class_name for name, declared in modules_of(module).items()}
    layers = (nn.Linear, nn.modules.conv._ConvNd)  # noqa: SLF001 - the base of all convolutions
    norms = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)  # noqa: SLF001
    with seeded(seed), torch.no_grad():
        for name, layer in module.named_modules():
            if isinstance(layer, norms):
                layer.reset_parameters()
            kept = classes.get(name, "").startswith(("Linear", "Conv"))  # all that a graph tells
            if not isinstance(layer, layers) and not (kept and hasattr(layer, "weight")):
                continue
            drawn = torch.empty_like(layer.weight)
            if scheme_of(name) == "he":
                nn.init.kaiming_normal_(drawn, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(drawn)
            _set(layer, drawn)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)


def settle(module: nn.Module, batches: Iterable[Batch]) -> None:
    """Let the norms of a copy that keep running statistics learn those of the batches.

    That is what training would begin with. Where they can't be had, as from batches of one sample,
    those of a fresh norm stay.
    """
    import torch
    from torch import nn

    module.eval()
    kept = nn.modules.batchnorm._NormBase  # noqa: SLF001 - the base of all of them
    norms = [
        item for item in module.modules() if isinstance(item, kept) and item.track_running_stats
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # the mean over all batches
    with torch.no_grad(), contextlib.suppress(ValueError, RuntimeError):
        for batch in batches if norms else ():
            module(*batch.inputs, **batch.kwargs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval()
        norm.momentum = momentum


def _set(layer: Any, weight: Tensor) -> None:
    """Give a layer this weight, also one that computes it (weight norm, spectral norm)."""
    from torch.nn.utils import remove_weight_norm
    from torch.nn.utils.parametrize import is_parametrized

    if is_parametrized(layer, "weight"):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # cannot be inverted
            layer.weight = weight
        training = layer.training
        layer.train()
        for _ in range(_READINGS):
            _ = layer.weight
        layer.train(training)
        return
    if hasattr(layer, "weight_g"):
        remove_weight_norm(layer)
    getattr(layer, "weight_orig", layer.weight).copy_(weight)
