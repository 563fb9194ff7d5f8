"""How often each thing was asked for in a forward pass, which tells calls apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable


class Counts:
    """Numbers from 1 on for each key.

    Attributes:
        numbers: the last one of each key in this pass.
        noted: a list that takes every key counted with its number, or null.
    """

    def __init__(self) -> None:
        self.noted: list[tuple[Hashable, int]] | None = None
        self.numbers: dict[Hashable, int] = {}

    def clear(self) -> None:
        """A pass begins."""
        self.numbers.clear()

    def count(self, key: Hashable) -> int:
        """How often this was asked with that key in this pass."""
        number = self.numbers.get(key, 0) + 1
        self.numbers[key] = number
        if self.noted is not None:
            self.noted.append((key, number))
        return number

    def comes_next(self, counts: Iterable[tuple[Hashable, int]]) -> bool:
        """Whether counting these keys now would come to these numbers."""
        for key, number in counts:  # noqa: SIM110 - a generator takes longer than all of it
            if self.numbers.get(key, 0) != number - 1:
                return False
        return True
