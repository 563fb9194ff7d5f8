"""Fresh weights for a copy: every layer as its own class draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from actdiag.steps.bench import seeded

if TYPE_CHECKING:
    from torch import Tensor, nn

_STD = 0.02  # of weights that a class of its own holds and that are lost (the scale of BERT, GPT-2)


def redraw(module: nn.Module, seed: int) -> None:
    """Draw every weight of a copy anew.

    A layer that knows how (``reset_parameters``, which all of ``torch.nn`` have) does it itself.
    The values of a parameter that a class of its own holds are shuffled among themselves, which
    keeps their scale and nothing that was learned; where they are not finite, normal numbers of
    standard deviation 0.02 take their place.
    """
    with seeded(seed), torch.no_grad():
        for part in module.modules():
            reset = getattr(part, "reset_parameters", None) or getattr(
                part, "_reset_parameters", None
            )
            if callable(reset):
                reset()
                continue
            for item in part.parameters(recurse=False):
                item.copy_(_shuffled(item))


def _shuffled(values: Tensor) -> Tensor:
    flat = values.reshape(-1)
    if not bool(flat.isfinite().all()):
        return torch.randn_like(values) * _STD
    return flat[torch.randperm(flat.numel(), device=flat.device)].reshape(values.shape)
