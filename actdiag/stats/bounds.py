"""The largest value that a layer can give, whatever its inputs within a range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 1 << 20


def upper_bound(
    weight: Tensor, bias: Tensor | None, low: Tensor, high: Tensor, *, groups: int = 1
) -> Tensor:
    """Interval bound: each weight times whichever end of its input's range gives more.

    It is exact for one position of a layer whose inputs move independently of each other, and
    never too small.

    Args:
        weight: ``(outputs, inputs / groups, *kernel)``.
        bias: ``(outputs,)``, if there is one.
        low: least value of each input, ``(inputs,)`` of float64.
        high: greatest value of each input, ``(inputs,)`` of float64.
        groups: of a grouped convolution.

    Returns:
        ``(outputs,)`` of float64.
    """
    outputs = len(weight)
    weight = weight.detach().unsqueeze(2).flatten(2)
    ends = [_for_outputs(end, outputs, groups) for end in (low, high)]
    step = max(1, _AT_ONCE // max(1, weight[0].numel()))
    parts = []
    for start in range(0, outputs, step):
        rows = weight[start : start + step].double()
        least, most = (end[start : start + step].unsqueeze(2) for end in ends)
        parts.append(torch.maximum(rows * least, rows * most).sum((1, 2)))
    bound = torch.cat(parts)
    return bound if bias is None else bound + bias.detach().double()


def _for_outputs(end: Tensor, outputs: int, groups: int) -> Tensor:
    """The ends of the inputs that each output reads, ``(outputs, inputs / groups)``."""
    return end.view(groups, -1).repeat_interleave(outputs // groups, dim=0)
