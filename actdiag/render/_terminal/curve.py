"""An activation function drawn with characters: braille dots, or asterisks where only ASCII is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag import functions

if TYPE_CHECKING:
    from actdiag.functions import ActivationFunction

SPAN = 5.0  # our choice: both ends of every function in the catalogue show within ±5
ROWS = 11
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BAR = 40


def drawable(row: ActivationFunction) -> ActivationFunction | None:
    """The function of one number that stands for ``row``: itself, or the one on its gate."""
    if row.elementwise:
        return row
    return functions.get(row.gate) if row.gate else None


def points(row: ActivationFunction, many: int) -> list[tuple[float, float]]:
    """Inputs evenly over ±5 and the function's values there."""
    xs = [SPAN * (2 * index / (many - 1) - 1) for index in range(many)]
    return [(x, float(row.value(x, functions.scalar, **row.settings))) for x in xs]


def curve(row: ActivationFunction, *, width: int = 60, unicode: bool = True) -> list[str]:
    """Return the function over ±5 as lines of at most ``width`` cells, with its ends written out.

    Axes are drawn where they pass through the picture.
    """
    columns = max(20, min(width, 64) - 9)
    across, down = (2, 4) if unicode else (1, 1)
    drawn = points(row, columns * across)
    values = [y for _, y in drawn if math.isfinite(y)]
    low, high = min(*values, 0.0), max(*values, 0.0)
    high = high if high > low else low + 1.0
    canvas = _Canvas(columns * across, ROWS * down)
    for index, (_, y) in enumerate(drawn):
        canvas.reach(index, round((high - y) / (high - low) * (canvas.height - 1)))
    zero = round(high / (high - low) * (canvas.height - 1))
    lines = canvas.lines(zero, unicode=unicode)
    labels = {0: f"{high:.3g}", ROWS - 1: f"{low:.3g}", zero // down: "0"}
    told = [f"{labels.get(place, ''):>7} {line}".rstrip() for place, line in enumerate(lines)]
    ends = f"{-SPAN:g}".ljust(columns // 2) + "0"
    return [*told, f"{'':7} {ends}{f'{SPAN:g}':>{columns - len(ends)}}"]


class _Canvas:
    """Dots on a grid; neighbouring columns are joined, so that a steep curve has no gaps."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dots: set[tuple[int, int]] = set()
        self.last: int | None = None

    def reach(self, column: int, row: int) -> None:
        start = row if self.last is None else self.last
        step = 1 if row >= start else -1
        self.dots.update((column, place) for place in range(start, row + step, step))
        self.last = row

    def lines(self, zero: int, *, unicode: bool) -> list[str]:
        """The picture; the axes as every third dot, or as ``.`` in ASCII."""
        middle = self.width // 2
        if not unicode:
            return [
                "".join(self._character(column, row, zero, middle) for column in range(self.width))
                for row in range(self.height)
            ]
        axes = {(column, zero) for column in range(0, self.width, 3)}
        axes |= {(middle, row) for row in range(0, self.height, 3)}
        dots = self.dots | axes
        return [
            "".join(self._cell(dots, column, row) for column in range(0, self.width, 2))
            for row in range(0, self.height, 4)
        ]

    def _character(self, column: int, row: int, zero: int, middle: int) -> str:
        if (column, row) in self.dots:
            return "*"
        return "." if row == zero or column == middle else " "

    @staticmethod
    def _cell(dots: set[tuple[int, int]], column: int, row: int) -> str:
        bits = sum(
            bit
            for down, pair in enumerate(_DOTS)
            for right, bit in enumerate(pair)
            if (column + right, row + down) in dots
        )
        return chr(_BRAILLE + bits) if bits else " "


def bars(
    logits: tuple[float, ...], temperatures: tuple[float, ...], *, unicode: bool = True
) -> list[str]:
    """Return softmax of the logits at each temperature, a bar for each class."""
    block = "█" if unicode else "#"
    lines = []
    for temperature in temperatures:
        for index, share in enumerate(functions.softmax(logits, temperature)):
            start = f"T = {temperature:g}" if index == 0 else ""
            lines.append(f"{start:8}{share:.3f} {block * max(1, round(_BAR * share))}")
    return lines
