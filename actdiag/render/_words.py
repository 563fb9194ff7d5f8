"""Words and numbers as a person reads them; nothing of any one format."""

from __future__ import annotations

import math
import re
import unicodedata

from actdiag.text import percent

__all__ = ["cause_name", "clean", "count", "defused", "listed", "name_parts", "number", "percent"]

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# GitHub's ::add-mask::x and ##[group], Azure's ##vso[task.setvariable ...]; aten::relu is none.
_COMMAND = re.compile(r"::(?=[\w-]+(?: [^:]*)?::)|##(?=\w*\[)")
_HYPHENS = re.compile("(?<!over)(?<!non)-")  # over-fitting, non-finite keep theirs
_ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "→": "->",
        "└": "`",
        "─": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "×": "x",
        "·": "*",
        "≥": ">=",
        "≤": "<=",
        "≈": "~",
        "′": "'",
        "√": "sqrt",
        "∞": "inf",
        "⊙": "*",
        "Φ": "Phi",
        "π": "pi",
        "σ": "sigma",
        "α": "alpha",
        "τ": "tau",
        REPLACEMENT: "?",
    }
)


def clean(text: str, *, unicode: bool = True) -> str:
    """Return ``text`` with nothing in it that could move a cursor, hide or reorder characters.

    Line breaks and tabs become spaces; other control, format, private and lone surrogate
    characters U+FFFD. Without ``unicode`` the result is ASCII: transliterated where that reads
    well, ``?`` elsewhere.
    """
    text = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    if not text.isascii() or not text.isprintable():
        text = "".join(
            REPLACEMENT if unicodedata.category(character) in _UNSAFE else character
            for character in text
        )
    if unicode or text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII))
    kept = (character for character in plain if not unicodedata.combining(character))
    return "".join(kept).translate(_ASCII).encode("ascii", "replace").decode("ascii")


def defused(text: str) -> str:
    """Return ``text`` with what a CI runner takes for a command in a job's log broken up.

    Such a command counts at the start of a line, and where lines will break isn't known before.
    """
    return _COMMAND.sub(lambda found: f"{found.group()[0]} {found.group()[1:]}", text)


def number(value: float | None, *, digits: int = 3) -> str:
    """Return a number as a person writes it, in at most five characters more than its digits."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    if value == 0 or isinstance(value, int):
        return f"{value:,}" if isinstance(value, int) else "0"
    if not 1e-3 <= abs(value) < 1e5:  # noqa: PLR2004 - where fixed point stops being readable
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    magnitude = int(f"{abs(value):.{digits - 1}e}".split("e")[1])
    return f"{value:.{max(0, digits - 1 - magnitude)}f}"


def count(amount: int, noun: str) -> str:
    """Return ``1 error``, ``2 errors``, ``1,797 samples``."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def listed(names: tuple[str, ...] | list[str], most: int) -> str:
    """Return the first ``most`` names with commas, and how many were left out."""
    shown = ", ".join(names[:most])
    return f"{shown} (+{len(names) - most:,} more)" if len(names) > most else shown


def name_parts(name: str) -> list[str]:
    """Return a site's name in its parts; a function's own name stays with its module's last."""
    module, slash, function = name.partition("/")
    *above, last = module.split(".")
    return [*above, f"{last}{slash}{function}"]


def source_line(source: str | None) -> str:
    """Return ``file:line`` for a person: of an installed package, from its own folder on."""
    parts = (source or "").replace("\\", "/").rpartition("-packages/")
    return parts[2] if parts[0].endswith(("/site", "/dist")) else source or ""


def cause_name(name: str) -> str:
    """Return a cause's name as people write it: ``dead-relus`` is dead ReLUs."""
    return _HYPHENS.sub(" ", name).replace("relus", "ReLUs")
