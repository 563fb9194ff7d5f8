"""Losses by name, and the one that a kind of output is trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from actdiag.stats.kinds import IGNORED, MARGIN, class_axis, one_hot

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

OF_KIND = {
    "logits": "cross-entropy",
    "log-probabilities": "nll",
    "probabilities": "nll-of-probabilities",
    "binary-logit": "bce-with-logits",
    "binary-probability": "bce",
    "values": "mse",
}
"""The loss that fits each kind of output (see :class:`actdiag.records.OutputStats`)."""


def cross_entropy(output: Tensor, labels: Tensor) -> Tensor:
    """Mean of −log softmax at the label; labels are classes, -100 left out, or shares of them."""
    if labels.shape == output.shape and labels.is_floating_point():
        return F.cross_entropy(output.float(), labels.float())
    rows, classes = _by_class(output, labels)
    return F.cross_entropy(rows, classes, ignore_index=IGNORED)


def nll(output: Tensor, labels: Tensor) -> Tensor:
    """Mean of −output at the label: what log-probabilities are trained with."""
    rows, classes = _by_class(output, labels)
    return F.nll_loss(rows, classes, ignore_index=IGNORED)


def nll_of_probabilities(output: Tensor, labels: Tensor) -> Tensor:
    """Mean of −log output at the label; a probability of 0 counts as the smallest float32."""
    return nll(output.float().clamp(min=torch.finfo(torch.float32).tiny).log(), labels)


def bce(output: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of probabilities; 0 and 1 count as the nearest to them in float32.

    Of labels −1 and 1, −1 is the class 0; -100 is left out.
    """
    room = torch.finfo(torch.float32).eps
    shares, wanted = _yes_or_no(output, labels)
    return F.binary_cross_entropy(shares.clamp(room, 1 - room), wanted)


def bce_with_logits(output: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of the sigmoid of the output; labels as in :func:`bce`."""
    return F.binary_cross_entropy_with_logits(*_yes_or_no(output, labels))


def mse(output: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error."""
    return F.mse_loss(output.float(), _alike(output, labels))


def l1(output: Tensor, labels: Tensor) -> Tensor:
    """Mean absolute error."""
    return F.l1_loss(output.float(), _alike(output, labels))


def smooth_l1(output: Tensor, labels: Tensor) -> Tensor:
    """Huber's loss with a threshold of 1."""
    return F.smooth_l1_loss(output.float(), _alike(output, labels))


NAMED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross-entropy": cross_entropy,
    "nll": nll,
    "nll-of-probabilities": nll_of_probabilities,
    "bce": bce,
    "bce-with-logits": bce_with_logits,
    "mse": mse,
    "l1": l1,
    "smooth-l1": smooth_l1,
}
"""Losses by name: ``(output, labels)`` to their mean."""


def inferred(kind: str, output: Tensor, labels: Tensor) -> str | None:
    """Name of the loss that fits an output of a kind and its labels; null where none is plain."""
    if kind in OF_KIND:
        return OF_KIND[kind]
    zero_or_one = bool(((labels == 0) | (labels == 1) | (labels == IGNORED)).all())
    several = labels.numel() == output.numel() and zero_or_one
    if not several and kind != MARGIN:  # several labels at once
        return None
    inside = bool(((output >= 0) & (output <= 1)).all())
    return "bce" if inside else "bce-with-logits"


def _by_class(output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The output as rows of classes in float32, and the class of each row."""
    if one_hot(labels, tuple(output.shape)):
        labels = labels.argmax(1)
    axis = class_axis(output, labels, "logits")
    if axis is None:
        shapes = f"{tuple(output.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"outputs and labels of shapes {shapes} do not fit")
    rows = output.float().movedim(axis, -1)
    return rows.reshape(-1, rows.shape[-1]), labels.reshape(-1).long()


def _yes_or_no(output: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The answers that have a label, and 0 or 1 for each, in float32."""
    wanted = _alike(output, labels)
    known = wanted != IGNORED
    return output.float()[known], wanted[known].where(wanted[known] != -1, 0)


def _alike(output: Tensor, labels: Tensor) -> Tensor:
    """The labels in float32, in the output's shape; classes become one-hot rows."""
    if labels.numel() != output.numel():
        classes = output.shape[-1]
        if labels.shape != output.shape[:-1] or labels.is_floating_point():
            shapes = f"{tuple(output.shape)} and {tuple(labels.shape)}"
            raise ValueError(f"outputs and labels of shapes {shapes} do not fit")
        labels = F.one_hot(labels.long(), classes)
    return labels.float().reshape(output.shape)
