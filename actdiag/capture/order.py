"""The order in which sites are met, over passes that may meet different ones."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Order:
    """Indices of sites in execution order.

    Attributes:
        met: the known sites that were met in this pass since the last new one.
    """

    def __init__(self) -> None:
        self.met: list[int] = []
        self._indices: list[int] = []
        self._after = 0

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def begin(self) -> None:
        """A pass begins."""
        self.met.clear()
        self._after = 0

    def add(self, index: int) -> None:
        """A new site, which in this pass comes next after the one met last."""
        for known in self.met:
            # One that comes earlier than in the first pass keeps its place.
            with contextlib.suppress(ValueError):
                self._after = self._indices.index(known, self._after) + 1
        self.met.clear()
        self._indices.insert(self._after, index)
        self._after += 1
