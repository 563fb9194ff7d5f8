"""The one family of errors a user may see: what happened, to which file or option, what to do next.

Raised anywhere, printed once, in ``actdiag.cli``. The exit codes are those of the contract:
2 for usage, configuration or input, 3 when nothing was checked, 4 when loading was refused.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


OURS = (
    "This is a mistake in actdiag, not in the model or the data: please report it, with the "
    "traceback and what actdiag --version says."
)


class ActdiagError(Exception):
    """A problem the user can do something about.

    Args:
        message: what happened, naming the file or option it happened to.
        hint: what to do next, as one or more full sentences.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)  # so that a traceback shows it: a script's, a test's, a notebook's


class UsageError(ActdiagError):
    """An option or a configuration value that cannot be meant as written."""


class ModelFileError(ActdiagError):
    """A model file that cannot be read, or does not fit the class it is loaded into."""


class DataError(ActdiagError):
    """Data that cannot be read or cannot be fed to the model."""


class NothingCheckedError(ActdiagError):
    """Nothing ran, so nothing may be called healthy."""

    exit_code = 3


class RefusedError(ActdiagError):
    """Loading the file would execute code from it and the user has not allowed that.

    Args:
        message: what was refused.
        wants: the importable names that the file asks for, each exactly as ``--allow`` takes it.
        hint: how to allow it.
    """

    exit_code = 4

    def __init__(self, message: str, *, wants: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.wants = wants


class Stopped(KeyboardInterrupt):
    """Ctrl-C from someone who wants to see what was found so far.

    Raised by the command line between batches, never inside of one, and while remedies are tried.
    """


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Hint at what was meant by a word that is none of ``choices``: the nearest, else name all."""
    known = sorted(choices)
    nearest = get_close_matches(word, known, n=1)
    return f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(known)}."
