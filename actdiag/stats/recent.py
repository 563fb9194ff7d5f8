"""The tensor that torch measured last: a function that reads it next need not measure it again."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.stats.ahead import Axes
    from actdiag.stats.sums import Sums


class _Recent(threading.local):
    def __init__(self) -> None:
        self.found: tuple[weakref.ref[Tensor], int, Axes, Sums] | None = None


_RECENT = _Recent()


def remember(tensor: Tensor, axes: Axes, sums: Sums | None) -> None:
    """These are the sums of a tensor seen so; null where there are none.

    Nothing is remembered where a change of the tensor would not be noticed.
    """
    _RECENT.found = None
    if sums is not None and not tensor.is_inference():
        version = tensor._version  # noqa: SLF001 - documented by torch
        _RECENT.found = weakref.ref(tensor), version, axes, sums


def recall(tensor: Tensor, axes: Axes) -> Sums | None:
    """The sums of this very tensor, if it was measured last and is unchanged."""
    if _RECENT.found is None:
        return None
    reference, *rest, sums = _RECENT.found
    same = reference() is tensor and rest == [tensor._version, axes]  # noqa: SLF001
    return sums if same else None
