"""The treated model as the content of a file: a whole module of torch.nn classes, or its weights.

What is only of use while training (dropout) is left out; a temperature is folded into the final
layer; standardisation becomes a fixed batch norm in front. What can be neither is told.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from actdiag.capture.entry import unviewed
from actdiag.remedies.surgery import part

if TYPE_CHECKING:
    from actdiag.records import Scan
    from actdiag.remedies.base import Arm


class UnsaveableError(Exception):
    """The treated model cannot be written; the message says why."""


def content_of(arm: Arm, scan: Scan, original: nn.Module) -> bytes:
    """The content of a file that holds an arm's trained model.

    A module whose every class is one of ``torch.nn`` is saved whole, which loads without trust; of
    any other the state dict is, which fits the class it came from.

    Raises:
        UnsaveableError: the change lives in code that no file can hold.
    """
    if arm.unsaveable:
        raise UnsaveableError(arm.unsaveable)
    for hook in arm.temporary:
        hook.remove()
    module = unviewed(arm.module.eval().cpu())
    for item in module.parameters():
        item.grad = None
    if arm.temperature != 1.0:
        _fold(arm.temperature, module, scan)
    if _plain(module):
        return _saved(_with_scale(module, arm))
    if module.state_dict().keys() != original.state_dict().keys():
        raise UnsaveableError("the class of the model has no place for the new layers: add them")
    return _saved(
        {"state_dict": module.state_dict(), **arm.beside} if arm.beside else module.state_dict()
    )


def _plain(module: nn.Module) -> bool:
    return all(type(item).__module__.startswith("torch.nn.") for item in module.modules())


def _fold(temperature: float, module: nn.Module, scan: Scan) -> None:
    """Divide weight and bias of the final linear layer: the logits come out divided."""
    final = [site for site in scan.sites if site.is_final][-1]
    layer: Any = part(module, final.module)
    if not isinstance(layer, nn.Linear):
        raise UnsaveableError("the answer does not come from a linear layer")
    with torch.no_grad():
        layer.weight.div_(temperature)
        if layer.bias is not None:
            layer.bias.div_(temperature)


def _with_scale(module: nn.Module, arm: Arm) -> nn.Module:
    """The module behind a batch norm that standardises its input, where there is one input."""
    if not arm.beside:
        return module
    named, mean = arm.samples.named(), arm.beside.get("input_0_mean")
    norm_of = {2: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
    if mean is None or len(named) > 1 or named[0].dim() not in norm_of:
        raise UnsaveableError("no layer of torch.nn standardises such inputs: do it in the data")
    norm = norm_of[named[0].dim()](mean.numel(), eps=0.0, momentum=0.0, affine=False)
    std = arm.beside["input_0_std"]
    norm.running_mean, norm.running_var = mean.float(), std.float().square()
    return nn.Sequential(OrderedDict(standardize=norm, model=module)).eval()


def _saved(what: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(what, buffer)
    return buffer.getvalue()
