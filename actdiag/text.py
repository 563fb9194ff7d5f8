"""Text that came out of a file, made safe to show; and fractions as a person reads them."""

from __future__ import annotations

import math
import unicodedata


def printable(text: object, limit: int = 200) -> str:
    r"""``text`` on one line without control, formatting or bidirectional characters.

    Each unsafe character is shown as its code (``\x1b``, ``\u202e``); text longer than
    ``limit`` characters is cut, which an ellipsis shows.
    """
    whole = str(text)
    if len(whole) <= limit and whole.isprintable():
        return whole
    shown = "".join(_shown(character) for character in whole[: limit + 1])
    return shown if len(whole) <= limit else shown[:limit] + "…"


def _shown(character: str) -> str:
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


def percent(fraction: float | None, *, decimals: int = 0) -> str:
    """Return a fraction as per cent; 0 and 100 only when it is exactly that."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    text, least = f"{100 * fraction:.{decimals}f}", f"{10.0**-decimals:.{decimals}f}"
    most = f"{100 - 10.0**-decimals:.{decimals}f}"
    if 0 < fraction < 1 and float(text) in (0.0, 100.0):
        return f"<{least} %" if fraction < 0.5 else f">{most} %"  # noqa: PLR2004 - the middle
    return f"{text} %"
