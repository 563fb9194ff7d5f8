"""Text that came out of a file is data: made safe to show before it goes anywhere."""

from __future__ import annotations

import unicodedata


def printable(text: object, limit: int = 200) -> str:
    r"""``text`` on one line without control, formatting or bidirectional characters.

    Each unsafe character is shown as its code (``\x1b``, ``\u202e``); text longer than
    ``limit`` characters is cut, which an ellipsis shows.
    """
    shown = "".join(_shown(character) for character in str(text)[: limit + 1])
    return shown if len(str(text)) <= limit else shown[:limit] + "…"


def _shown(character: str) -> str:
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
