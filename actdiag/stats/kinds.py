"""What a model's output is: logits, probabilities, values; and its answers as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = ("logits", "probabilities", "log-probabilities")
BINARY = ("binary-logit", "binary-probability")
MARGIN = "margin"
IGNORED = -100  # torch.nn.CrossEntropyLoss's ignore_index

# Rows of float16 and bfloat16 probabilities of many classes add up to no better than this.
_SUM_SLACK = 1e-2
_ROWS_LOOKED_AT = 4096
_MATRIX = 2
_FLOOR = torch.finfo(torch.float32).tiny
_LOWEST = -1e4  # stands for the logarithm of 0
_NEAR, _FEWEST_NEAR = 0.1, 30  # our choice: R², of so many answers


def output_kind(
    shape: tuple[int, ...],
    final_function: str | None,
    labels: Tensor | None,
    output: Tensor,
) -> tuple[str, bool]:
    """The kind of an output (see :class:`actdiag.records.OutputStats`), and whether it is a guess.

    Args:
        shape: shape of the output, the sample axis first.
        final_function: the catalogue's name of the function that made the output, if any.
        labels: the labels of this batch, if any.
        output: the output itself, for rows that add up to 1.
    """
    if not output.numel() or not (output.is_floating_point() or labels is not None):
        return "unknown", True
    if labels is not None:
        kind = _told_by_labels(shape, final_function, labels, output)
        if kind is not None:
            return kind, False
    kind = _told_by_function(shape, final_function) or _told_by_rows(shape, output)
    if kind is not None:
        return kind, False
    if len(shape) == _MATRIX and shape[1] > 1:
        return "logits", True
    return ("values" if len(shape) <= _MATRIX else "unknown"), True


def _told_by_labels(
    shape: tuple[int, ...], final_function: str | None, labels: Tensor, output: Tensor
) -> str | None:
    zero_or_one = bool(((labels == 0) | (labels == 1) | (labels == IGNORED)).all())
    if labels.numel() == output.numel() and (shape[-1:] == (1,) or labels.dim() == len(shape)):
        if one_hot(labels, shape):
            return _of_classes(shape, final_function, output)
        if not zero_or_one:
            return "values"
        if len(shape) > 1 and shape[-1] > 1 and labels.dim() == len(shape) == _MATRIX:
            return "unknown"  # several labels at once
        return _of_two(final_function, output, labels)
    if labels.is_floating_point() and not bool((labels == labels.round()).all()):
        return "values"
    fits = class_axis(output, labels, "logits") is not None
    return _of_classes(shape, final_function, output) if fits else None


def _of_two(final_function: str | None, output: Tensor, labels: Tensor) -> str:
    inside = bool(((output >= 0) & (output <= 1)).all())
    sure = final_function in ("sigmoid", "hardsigmoid")
    shares = sure or inside or _near_labels(output, labels)
    return "binary-probability" if shares else "binary-logit"


def _near_labels(output: Tensor, labels: Tensor) -> bool:
    """Whether answers explain 0 and 1 as the numbers that they are: those of least squares do.

    Logits lie around 0, and mostly farther from the labels than a constant.
    """
    answers, wanted = output.double().flatten(), labels.double().flatten()
    known = (wanted != IGNORED) & torch.isfinite(answers)
    answers, wanted = answers[known], wanted[known]
    if len(wanted) < _FEWEST_NEAR:
        return False
    spread = (wanted - wanted.mean()).square().sum()
    return bool((answers - wanted).square().sum() < (1 - _NEAR) * spread)


def _of_classes(shape: tuple[int, ...], final_function: str | None, output: Tensor) -> str:
    told = _told_by_function(shape, final_function)
    if told in CLASSES:
        return told
    return _told_by_rows(shape, output) or "logits"


def _told_by_function(shape: tuple[int, ...], final_function: str | None) -> str | None:
    if final_function in ("softmax", "softmin", "softmax2d"):
        return "probabilities"
    if final_function == "log_softmax":
        return "log-probabilities"
    if final_function in ("sigmoid", "hardsigmoid"):
        single = len(shape) == 1 or shape[-1] == 1
        return "binary-probability" if single else "unknown"
    return None


def _told_by_rows(shape: tuple[int, ...], output: Tensor) -> str | None:
    """Probabilities add up to 1 along the last axis or axis 1; so do log-probabilities' powers."""
    if len(shape) < _MATRIX:
        return None
    found = (summing_to_one(output, axis) for axis in (len(shape) - 1, 1))
    return next((kind for kind in found if kind is not None), None)


def summing_to_one(output: Tensor, axis: int) -> str | None:
    """Whether rows along an axis are probabilities or log-probabilities, on the first 4096 rows."""
    if output.shape[axis] < _MATRIX:  # one number is always all of it
        return None
    rows = output.detach().movedim(axis, -1).flatten(0, -2)[:_ROWS_LOOKED_AT].double()
    rows = rows[~torch.isnan(rows).any(1)]
    for kind, shares, possible in (
        ("probabilities", rows, rows >= 0),
        ("log-probabilities", rows.exp(), rows <= 0),
    ):
        if len(rows) and possible.all() and ((shares.sum(1) - 1).abs() <= _SUM_SLACK).all():
            return kind
    return None


def class_axis(output: Tensor, labels: Tensor | None, kind: str) -> int | None:
    """Which axis holds the classes; null where the labels do not fit the output at all.

    Labels as long as the output without its last axis say the last, ones that fit
    ``(samples, *positions)`` axis 1, as in ``(N, C, H, W)``. Without labels it is where
    probabilities add up to 1, else the last of up to three axes, else axis 1.
    """
    shape, last = tuple(output.shape), output.dim() - 1
    if last < 1:
        return None
    if labels is None:
        if kind in CLASSES[1:]:
            return next((a for a in (last, 1) if summing_to_one(output, a)), last)
        return last if last <= _MATRIX else 1
    if tuple(labels.shape) == shape[:-1]:
        return last
    if tuple(labels.shape) == shape[:1] + shape[2:]:
        return 1
    return last if labels.numel() * shape[-1] == output.numel() else None


def one_hot(labels: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether labels of the output's own shape mark exactly one class in each row."""
    if tuple(labels.shape) != shape or len(shape) != _MATRIX or shape[1] < _MATRIX:
        return False
    marks = ((labels == 0) | (labels == 1)).all()
    return bool(marks & (labels.sum(1) == 1).all())


def log_probabilities(rows: Tensor, kind: str) -> Tensor:
    """Rows of an output as log-probabilities of at least two classes, in float64.

    A probability of 0 counts as the smallest float32, so that one mistake cannot make a mean
    infinite.
    """
    wide = rows.double()
    if kind == "binary-logit":
        return F.log_softmax(torch.cat((torch.zeros_like(wide), wide), dim=1), dim=1)
    if kind == "binary-probability":
        wide = torch.cat((1 - wide, wide), dim=1)
    if kind in ("probabilities", "binary-probability"):
        return wide.clamp(_FLOOR, 1).log()
    if kind == "logits":
        wide = F.log_softmax(wide, dim=1)
    return wide.clamp(min=_LOWEST)
