"""Softmax and its kin: they turn a vector into a distribution, so no element stands alone."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.row import ActivationFunction

_CHANNELS = -3  # of (n, C, H, W) and (C, H, W)


def _softmax(x: Any, xp: Any) -> Any:
    return xp.softmax(x, -1)


def _log_softmax(x: Any, xp: Any) -> Any:
    return xp.log_softmax(x, -1)


def _softmin(x: Any, xp: Any) -> Any:
    return xp.softmax(xp.neg(x), -1)


def _softmax2d(x: Any, xp: Any) -> Any:
    return xp.softmax(x, _CHANNELS)


SOFTMAX = ActivationFunction(
    name="softmax",
    title="Softmax",
    formula="e^(x_i) / Σ_j e^(x_j); with temperature T: of x_i / T",
    value=_softmax,
    slope=None,
    output_range=(0.0, 1.0),
    max_slope=None,
    modules=("torch.nn.modules.activation.Softmax",),
    callables=(
        "torch.nn.functional.softmax",
        "torch.softmax",
        "torch.Tensor.softmax",
        "torch.special.softmax",
        "torch._softmax",
        "torch._safe_softmax",
    ),
    operators=(
        "aten::softmax",
        "aten::_softmax",
        "aten::_safe_softmax",
        "aten::special_softmax",
    ),
    initialisation="xavier",
    bounded=True,
    elementwise=False,
    used_for="Multi-class outputs, and attention scores: the weights sum to 1.",
    goes_wrong="Over-confidence; the wrong axis; applied twice; over one class, where it is "
    "always 1.",
    advice="Give the loss the logits, not the softmax. Temperature T < 1 sharpens, T > 1 softens, "
    "and a T fitted on held-out data repairs over-confidence.",
    source="Bridle 1990; Guo et al. 2017, On Calibration of Modern Neural Networks.",
)

LOG_SOFTMAX = ActivationFunction(
    name="log_softmax",
    title="LogSoftmax",
    formula="x_i − ln Σ_j e^(x_j)",
    value=_log_softmax,
    slope=None,
    output_range=(-math.inf, 0.0),
    max_slope=None,
    modules=("torch.nn.modules.activation.LogSoftmax",),
    callables=(
        "torch.nn.functional.log_softmax",
        "torch.log_softmax",
        "torch.Tensor.log_softmax",
        "torch.special.log_softmax",
        "torch._log_softmax",
    ),
    operators=("aten::log_softmax", "aten::_log_softmax", "aten::special_log_softmax"),
    initialisation="xavier",
    elementwise=False,
    used_for="Multi-class outputs that go into NLLLoss, and losses on log-probabilities.",
    goes_wrong="Given to CrossEntropyLoss, which takes its own log-softmax, it is applied twice.",
    advice="Pair it with NLLLoss, or give the logits to CrossEntropyLoss.",
    source="Bridle 1990; PyTorch documentation, torch.nn.LogSoftmax and torch.nn.NLLLoss.",
)

SOFTMIN = ActivationFunction(
    name="softmin",
    title="Softmin",
    formula="e^(−x_i) / Σ_j e^(−x_j)",
    value=_softmin,
    slope=None,
    output_range=(0.0, 1.0),
    max_slope=None,
    modules=("torch.nn.modules.activation.Softmin",),
    callables=("torch.nn.functional.softmin",),
    initialisation="xavier",
    bounded=True,
    elementwise=False,
    used_for="Distances and energies, where the smallest should get the largest share.",
    goes_wrong="As softmax: over-confidence with large inputs, and the wrong axis.",
    advice="Scale the distances (a temperature) so that the shares are neither flat nor 0 and 1.",
    source="Bridle 1990 for softmax, of which it is the mirror image; "
    "PyTorch documentation, torch.nn.Softmin.",
)

SOFTMAX2D = ActivationFunction(
    name="softmax2d",
    title="Softmax2d",
    formula="softmax over the channels of each pixel",
    value=_softmax2d,
    slope=None,
    output_range=(0.0, 1.0),
    max_slope=None,
    modules=("torch.nn.modules.activation.Softmax2d",),
    initialisation="xavier",
    bounded=True,
    elementwise=False,
    used_for="Segmentation: a distribution over the classes at each pixel of (n, C, H, W).",
    goes_wrong="As softmax; with one channel every pixel is 1.",
    advice="Use it to read the result; train on the logits with CrossEntropyLoss.",
    source="Long, Shelhamer & Darrell 2015 (per-pixel softmax); "
    "PyTorch documentation, torch.nn.Softmax2d.",
)

ROWS = (SOFTMAX, LOG_SOFTMAX, SOFTMIN, SOFTMAX2D)
