"""Fresh weights by the textbook, for a copy of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn


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
            if scheme_of(name) == "he":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(layer.weight)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)
