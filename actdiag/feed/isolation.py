"""Running the user's data code without moving the random numbers of the process."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
States = tuple[Any, Any, torch.Tensor]


def _states() -> States:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - all of it


def _put_back(states: States) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002 - legacy global state is what user code draws from
    torch.set_rng_state(states[2])


def _seeded(seed: int) -> States:
    """Fresh states of the three generators, without touching the global ones."""
    return (
        random.Random(seed).getstate(),  # noqa: S311 - reproducible, not secret
        np.random.RandomState(seed % 2**32).get_state(),
        torch.Generator().manual_seed(seed).get_state(),
    )


class Isolation:
    """Random state of its own for user code: Python's, NumPy's and torch's (CPU).

    Enter :meth:`inside` around each piece of user code. Between the pieces, and after them, the
    process's own random state is exactly what it was, so a shuffled loader gives the same order
    every time and leaves no trace.

    Args:
        seed: where the three generators start.
    """

    def __init__(self, seed: int) -> None:
        self._inner = _seeded(seed)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Swap this state in, and the process's own back out afterwards, also after an error."""
        outer = _states()
        _put_back(self._inner)
        try:
            yield
        finally:
            self._inner = _states()
            _put_back(outer)


def isolated(seed: int, function: Callable[[], T]) -> T:
    """What ``function`` returns, run with random state of its own."""
    with Isolation(seed).inside():
        return function()
