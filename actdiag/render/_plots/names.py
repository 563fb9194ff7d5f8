"""Layers' names beside an axis: short, and still telling one from another."""

from __future__ import annotations

from actdiag.render._findings import line_of
from actdiag.render._words import name_parts


def short(name: str, most: int) -> str:
    """Return ``encoder.layers.0.linear1`` as ``e.l.0.linear1`` where it is too long.

    What is still too long loses the end of its last part: the numbers before it tell which it is.
    """
    parts = name_parts(line_of(name, 300))
    for index, part in enumerate(parts[:-1]):
        if len(".".join(parts)) <= most:
            break
        parts[index] = part if part.isdecimal() else part[:1]
    text = ".".join(parts)
    if len(text) <= most:
        return text
    above = "".join(f"{part}." for part in parts[:-1])
    if len(above) > most // 2:
        return f"…{text[1 - most :]}"
    return f"{text[: most - 1]}…"
