"""Whether the labels are numbered otherwise than the outputs: the best pairing of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from actdiag.records import Pairing

if TYPE_CHECKING:
    from torch import Tensor

MOST_PAIRS = 20


def pairing(labels: Tensor, predicted: Tensor, classes: int) -> Pairing:
    """Pair the classes on every second answer, the most frequent pairs first; judge on the others.

    Args:
        labels: int64 of shape ``(answers,)``, in ``[0, classes)``.
        predicted: the classes answered, alike.
        classes: how many there are.
    """
    found = _paired(labels[::2], predicted[::2], classes)
    told, answered = labels[1::2], predicted[1::2]
    read = torch.arange(classes)
    for label, output in found:
        read[output] = label
    moved = [pair for pair in sorted(found) if pair[0] != pair[1]]
    shares = [torch.bincount(side, minlength=classes) / len(side) for side in (labels, predicted)]
    return Pairing(
        samples_judged=len(told),
        accuracy_before=_share(answered == told),
        accuracy_after=_share(read[answered] == told),
        distance=float((shares[0] - shares[1]).abs().sum() / 2),
        moved=len(moved),
        pairs=tuple(moved[:MOST_PAIRS]),
    )


def _paired(labels: Tensor, predicted: Tensor, classes: int) -> list[tuple[int, int]]:
    """Greedily: near a permutation, where alone it matters, that is the best assignment."""
    cells, counts = torch.unique(labels * classes + predicted, return_counts=True)
    order = counts.argsort(descending=True, stable=True)
    pairs, taken = [], (set[int](), set[int]())
    for cell in cells[order].tolist():
        label, output = divmod(cell, classes)
        if label not in taken[0] and output not in taken[1]:
            pairs.append((label, output))
            taken[0].add(label)
            taken[1].add(output)
    return pairs


def _share(right: Tensor) -> float:
    return right.double().mean().item()
