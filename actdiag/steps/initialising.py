"""Fresh weights by the textbook, for a copy of the model."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

_READINGS = 15  # spectral norm takes a step towards the norm of new weights at each, in training


def initialise(module: nn.Module, scheme_of: Callable[[str], str], seed: int = 0) -> None:
    """Draw every linear and convolution weight afresh, He or Xavier; biases become 0."""
    import torch
    from torch import nn

    from actdiag.capture.graphs import modules_of
    from actdiag.steps.bench import seeded

    classes = {name: declared.class_name for name, declared in modules_of(module).items()}
    layers = (nn.Linear, nn.modules.conv._ConvNd)  # noqa: SLF001 - the base of all convolutions
    with seeded(seed), torch.no_grad():
        for name, layer in module.named_modules():
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
