"""The native backend's shared library: whether it is there, sound and wanted. Imports no torch."""

from __future__ import annotations

import ctypes
import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from actdiag.errors import UsageError

VARIABLE = "ACTDIAG_BACKEND"
PATH = Path(__file__).with_name("_native.so")
INTERFACE = 5  # of native.c; a library built from older sources is not used
REGISTERS = ("plain", "AVX2", "AVX-512")


@dataclass(frozen=True, slots=True)
class Backend:
    """Which backend measures tensors on the CPU.

    Attributes:
        library: the native one's functions; null where stock torch operations are used.
        name: ``native`` or ``stock``.
        detail: the registers it uses, or why it is not used.
    """

    library: ctypes.CDLL | None
    name: str
    detail: str


@cache
def backend() -> Backend:
    """The backend of this process.

    Raises:
        UsageError: ``ACTDIAG_BACKEND`` is neither ``stock`` nor ``native``, or asks for a native
            backend that is not there.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "stock", "native"):
        raise UsageError(
            f"{VARIABLE} is {wanted!r}, which is no backend.", hint="Set it to stock or native."
        )
    if wanted == "stock":
        return Backend(None, "stock", f"{VARIABLE} asks for it")
    library, problem = load(PATH)
    if library is None:
        if wanted == "native":
            raise UsageError(
                f"{VARIABLE} asks for the native backend, but {problem}.",
                hint="Reinstall where a C compiler is found, or unset the variable.",
            )
        return Backend(None, "stock", problem)
    return Backend(library, "native", REGISTERS[library.actdiag_widest(len(REGISTERS))])


def load(path: Path) -> tuple[ctypes.CDLL | None, str]:
    """The library, or null and why it cannot be used. A damaged file is not even opened by it."""
    try:
        content = path.read_bytes()
        seal = path.with_suffix(".sha256").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None, "its library was not built at installation"
    if hashlib.sha256(content).hexdigest() != seal:
        return None, "its library is damaged"
    try:
        library = ctypes.CDLL(str(path))
        library.actdiag_interface.restype = ctypes.c_int64
        if library.actdiag_interface() != INTERFACE:
            return None, "its library was built from other sources"
        _declare(library)
    except (OSError, AttributeError):
        return None, "its library cannot be loaded on this machine"
    return library, ""


def _declare(library: ctypes.CDLL) -> None:
    integer, pointer = ctypes.c_int64, ctypes.c_void_p
    library.actdiag_widest.argtypes = [integer]
    library.actdiag_widest.restype = integer
    tables = [pointer] * 3
    library.actdiag_measure.argtypes = [
        *(pointer, pointer, integer),
        *tables,
        *(integer, pointer, pointer, pointer),
    ]
    library.actdiag_measure.restype = integer
    library.actdiag_output.argtypes = [pointer, pointer, pointer, integer, integer]
    library.actdiag_output.restype = integer
    library.actdiag_input.argtypes = [pointer, pointer, pointer, integer, integer, integer]
    library.actdiag_input.restype = integer
    library.actdiag_regions.argtypes = [pointer, pointer, integer, pointer, pointer]
    library.actdiag_regions.restype = integer
    library.actdiag_gather.argtypes = [*[pointer] * 4, integer, pointer]
    library.actdiag_gather.restype = integer
    library.actdiag_join.argtypes = [pointer, pointer, integer]
    library.actdiag_join.restype = None
    library.actdiag_pool.argtypes = [pointer]
    library.actdiag_pool.restype = None
    library.actdiag_rows.argtypes = [*[pointer] * 4, integer, pointer]
    library.actdiag_rows.restype = None
