"""How a command ends that cannot do its job: one message on stderr, the contract's exit code."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from actdiag.errors import OURS, ActdiagError
from actdiag.render import clean, defused

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130  # what a shell reports for Ctrl-C
UNEXPECTED = 2
_AGAIN = "Run again with --debug for the traceback. "


@contextmanager
def told_once(*, debug: bool = False) -> Iterator[None]:
    """Turn whatever goes wrong in the block into one message and an exit code.

    A reader that went away (``| head``) is no error. With ``debug`` the traceback comes first, and
    warnings meant for the developers of libraries are shown.

    Raises:
        typer.Exit: with the exit code.
    """
    try:
        with warnings.catch_warnings():
            if not debug:
                warnings.simplefilter("ignore", FutureWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
            yield
    except typer.Exit:
        raise
    except BrokenPipeError:
        _discard_output()
        raise typer.Exit from None
    except KeyboardInterrupt as error:
        _say(f"actdiag: {str(error) or 'interrupted, nothing was written'}")
        raise typer.Exit(INTERRUPTED) from None
    except ActdiagError as error:
        print_traceback(debug=debug)
        _say(f"actdiag: {error.message}", f"  {error.hint}" if error.hint else "")
        raise typer.Exit(error.exit_code) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, the user is told once
        print_traceback(debug=debug)
        message, hint = unexpected(error, debug=debug)
        _say(f"actdiag: {message}", f"  {hint}")
        raise typer.Exit(UNEXPECTED) from None


def unexpected(error: Exception, *, debug: bool) -> tuple[str, str]:
    """What to say of an exception that is a mistake of ours, and what to do about it."""
    message = f"this should not have happened: {type(error).__name__}: {error}"
    return message, f"{_AGAIN * (not debug)}{OURS}"


def print_traceback(*, debug: bool) -> None:
    """Where ``debug`` asks for it, the traceback of the exception being handled, to stderr."""
    if debug:
        traceback.print_exc()


def _say(*lines: str) -> None:
    for line in filter(None, lines):
        for part in line.splitlines():
            print(clean(defused(part)), file=sys.stderr)  # noqa: T201 - the one place that does


def _discard_output() -> None:
    """Point stdout nowhere, so that Python does not complain when it flushes on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
