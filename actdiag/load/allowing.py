"""The words about ``--allow``: what may be allowed by name, and how to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.errors import UsageError
from actdiag.load.wanted import COMPUTED
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

# Modules whose functions do things rather than describe a model: only --trust runs these.
ACTING = frozenset(
    """
    _io _pickle asyncio bdb builtins cloudpickle code codeop commands concurrent copyreg ctypes
    dill ensurepip functools http importlib inspect io joblib linecache marshal multiprocessing nt
    numpy.testing operator os pdb pickle pip pkgutil platform posix profile pty pydoc runpy
    setuptools shelve shutil signal site socket subprocess sys tempfile threading timeit trace
    types urllib venv webbrowser zipimport
    torch.classes torch.compile torch.distributed torch.hub torch.jit torch.load
    torch.multiprocessing torch.ops torch.package torch.serialization torch.storage
    torch.utils.cpp_extension
    torch._dynamo torch._inductor
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
OPTIONS_SHOWN = 6
NAMES_SHOWN = 12


def acts(name: str) -> bool:
    """Whether a dotted name lies in a module that acts rather than describes a model."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in ACTING for count in range(1, len(parts) + 1))


def check_allowed(names: Iterable[str]) -> None:
    """Look over what ``--allow`` was given.

    Raises:
        UsageError: it is no full name, or the name of something that acts.
    """
    for name in sorted(names):
        shown = printable(name)
        if "." not in name or not all(part.isidentifier() for part in name.split(".")):
            hint = "Write PACKAGE.MODULE.CLASS."
            raise UsageError(f"--allow {shown}: that is no full name.", hint=hint)
        if acts(name):
            message = f"--allow {shown}: that is no part of a model and can run anything."
            raise UsageError(message, hint="If you trust the file fully, use --trust instead.")


def how_to_allow(names: tuple[str, ...], *, by_name: bool) -> str:
    """What to add to the command line to load a file that was refused.

    Args:
        names: what it asks for, safe to print.
        by_name: whether allowing names is enough for this file.
    """
    if acting := tuple(name for name in names if acts(name)):
        return (
            f"{listed(acting)} can run anything and is no part of a model: don't load this file "
            "unless you know why it is there. Only --trust would run it."
        )
    if not by_name or COMPUTED in names:
        return "If you trust its source: --trust, which lets it run anything."
    options = " ".join(f"--allow {name}" for name in names[:OPTIONS_SHOWN])
    more = " and so on for the others" if len(names) > OPTIONS_SHOWN else ""
    script = any(name.startswith("__main__.") for name in names)
    where = " with --model FILE.py:CLASS naming the script that defines it" if script else ""
    return f"If you trust this code: {options}{more}{where}; or --trust to allow everything."


def listed(names: tuple[str, ...]) -> str:
    """Names in a row, the first dozen of them."""
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown
