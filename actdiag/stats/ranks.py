"""A rank for each sample of a feed: those of the lowest are the same however it is batched."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

_ODD = -7046029254386353131  # 2^64 divided by the golden ratio, as a signed integer


Integers = TypeVar("Integers", Tensor, np.ndarray[Any, np.dtype[np.int64]])


def mixed(number: Integers) -> Integers:
    """A 64-bit hash of each integer, so that neighbours are far apart."""
    bits = (number + 1) * _ODD
    bits = (bits ^ (bits >> 31)) * _ODD
    return bits ^ (bits >> 29)


def ranks(first: int, many: int, seed: int = 0) -> Tensor:
    """Ranks of the samples numbered from ``first``, int64."""
    return mixed(torch.arange(first, first + many) + (seed << 40))
