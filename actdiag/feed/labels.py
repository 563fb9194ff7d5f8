"""Labels of any kind as int64 classes ``(n,)`` or ``(n, t)``, or as float32 targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from actdiag.errors import DataError
from actdiag.feed.names import listed, printable
from actdiag.feed.tensors import Array, to_tensor


def prepare_labels(array: Array) -> tuple[Tensor, tuple[str, ...]]:
    """Labels as a tensor, and notes on what was done to them.

    Text becomes indices of the sorted names; one-hot rows and a single column of integers become
    indices ``(n,)``; integers and booleans int64; anything else float32.

    Raises:
        DataError: for labels that are neither numbers nor text.
    """
    if isinstance(array, np.ndarray) and array.dtype.kind in "OUS":
        return _from_text(array)
    if isinstance(array, np.ndarray) and array.dtype.kind not in "biuf":
        raise DataError(
            f"the labels hold {printable(array.dtype)}, neither numbers nor names",
            hint="Give integers for classes, floats for a regression.",
        )
    labels = to_tensor(array).cpu()
    if is_one_hot(labels):
        note = f"one-hot labels {tuple(labels.shape)} were turned into class indices"
        return labels.argmax(dim=1), (note,)
    if labels.is_floating_point():
        return labels.to(torch.float32), ()
    labels = labels.to(torch.int64)
    if labels.ndim == 2 and labels.shape[1] == 1:  # noqa: PLR2004 - a matrix
        return labels[:, 0], (f"labels {tuple(labels.shape)} were taken as {len(labels)} classes",)
    return labels, ()


def is_one_hot(labels: Tensor) -> bool:
    """Whether ``labels`` is ``(n, k)``, k ≥ 2, of zeros and ones with a single one in each row."""
    if labels.ndim != 2 or labels.shape[1] < 2 or len(labels) == 0:  # noqa: PLR2004 - a matrix
        return False
    ones = labels == 1
    return bool(((ones | (labels == 0)).all() & (ones.sum(dim=1) == 1).all()).item())


def _from_text(array: np.ndarray[Any, Any]) -> tuple[Tensor, tuple[str, ...]]:
    values = array.reshape(-1).tolist()
    names = [
        value.decode(errors="replace") if isinstance(value, bytes) else value for value in values
    ]
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise DataError(
            f"the labels mix text with other things, such as {printable(repr(odd[0]))}",
            hint="Fill in or drop the rows without a label, and use one type for all of them.",
        )
    classes = sorted(set(names))
    place = {name: index for index, name in enumerate(classes)}
    indices = torch.tensor([place[name] for name in names], dtype=torch.int64)
    legend = listed(f"{index} = {name}" for index, name in enumerate(classes))
    return indices.reshape(array.shape), (f"labels are names, numbered in sorted order: {legend}",)
