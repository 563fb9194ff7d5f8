"""A fraction as a bar of a few character cells."""

from __future__ import annotations

import math

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(fraction: float | None, cells: int, *, unicode: bool) -> str:
    """Return a bar ``cells`` wide, in eighths of a cell (in ASCII: whole cells).

    Anything above 0 shows at least the thinnest bar; only a full 1 fills the last cell.
    """
    if fraction is None or not math.isfinite(fraction):
        return " " * cells
    steps = 8 if unicode else 1
    filled = round(min(max(fraction, 0.0), 1.0) * cells * steps)
    if fraction > 0:
        filled = max(filled, 1)
    if fraction < 1:
        filled = min(filled, cells * steps - 1)
    whole, rest = divmod(filled, steps)
    full = "█" if unicode else "#"
    return (full * whole + (_EIGHTHS[rest] if rest else "")).ljust(cells)
