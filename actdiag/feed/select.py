"""Which samples are fed, and how many at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from actdiag.errors import UsageError

# Our choice: enough rows to keep matrix products busy, few enough that the activations of an
# ordinary CNN on 224 × 224 images stay below a few gigabytes.
_VECTORS, _IMAGES, _ELEMENTS = 256, 64, 64 * 3 * 224 * 224


def sample_of(samples: int, most: int | None, seed: int) -> Tensor | None:
    """Ascending int64 indices of a random sample of ``most`` of ``samples``; None for all.

    Drawn without replacement from a generator of its own: the head of a file would do for shuffled
    data only, and many files are sorted by class.
    """
    if most is not None and most < 1:
        raise UsageError(f"--max-samples is {most}", hint="Give a number of samples of at least 1.")
    if most is None or most >= samples:
        return None
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(samples, generator=generator)[:most].sort().values


def default_batch_size(sample_shape: tuple[int, ...]) -> int:
    """256 vectors, or 64 of anything with more axes, fewer where the samples are very large."""
    wished = _IMAGES if len(sample_shape) > 1 else _VECTORS
    return max(1, min(wished, _ELEMENTS // max(1, math.prod(sample_shape))))


def check_batch_size(batch_size: int | None) -> None:
    """Raise UsageError for a batch size below 1."""
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"--batch-size is {batch_size}", hint="Give a number of at least 1.")
