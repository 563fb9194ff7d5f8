"""numpy's arrays and numbers in a pickle, read as plain data.

numpy's own unpickling functions are never called, for what a file gives them can make memory be
read as objects. The numbers are taken out of the pickle by what stands here in their place.
"""

from __future__ import annotations

import re
from pickle import UnpicklingError
from typing import Any, NoReturn

import numpy as np

PLAIN_DTYPE = re.compile(r"[<>|=]?(b1|[iufc](1|2|4|8|16)|\?)")
# Where numpy's reconstructing functions live: until and since version 2.
CORES = ("numpy.core", "numpy._core")


def stand_ins() -> dict[str, Any]:
    """Dotted name in a pickle -> what stands for it; see :func:`support` too."""
    found: dict[str, Any] = {"numpy.dtype": numpy_dtype, "numpy.ndarray": ArrayShell}
    for core in CORES:
        found[f"{core}.multiarray.scalar"] = numpy_scalar
        found[f"{core}.multiarray._reconstruct"] = numpy_array
    return found


def support(*classes: type) -> dict[str, type]:
    """Classes whose instances stand-ins make: a pickle may set their state, but not name them."""
    # A pickle's names end at the first newline, so it can't ask for these.
    return {"\n" + cls.__name__: cls for cls in (DtypeShell, ArrayShell, *classes)}


class NotCallable(type):
    """A class that a pickle can make instances of with NEWOBJ only: calling it is refused."""

    def __call__(cls, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise UnpicklingError(f"the file calls {cls.__name__} instead of restoring one")


class ArrayShell(metaclass=NotCallable):
    """Stands for a numpy array; its state is read as plain numbers."""

    array: Any

    def __new__(cls) -> Any:
        """An empty array, until the state comes."""
        shell = object.__new__(cls)
        shell.array = np.zeros(0)
        return shell

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        flat = np.frombuffer(as_bytes(raw), dtype=_dtype(dtype))
        self.array = flat.reshape(tuple(shape), order="F" if fortran else "C")


class DtypeShell(metaclass=NotCallable):
    """Stands for a numpy dtype of plain numbers."""

    code: str

    def __new__(cls, code: Any = "f8") -> Any:
        """The dtype of this code, such as ``f8``."""
        shell = object.__new__(cls)
        shell.code = _plain_code(code)
        return shell

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        if order in {"<", ">"}:
            self.code = order + self.code.lstrip("<>|=")


def numpy_dtype(code: Any, *_: Any) -> Any:
    """What ``numpy.dtype`` is called with in a pickle, for plain numbers only."""
    return DtypeShell.__new__(DtypeShell, code)


def numpy_scalar(dtype: Any, raw: Any = None) -> Any:
    """A numpy number as a Python number."""
    return np.frombuffer(as_bytes(raw), dtype=_dtype(dtype), count=1)[0].item()


def numpy_array(*_: Any) -> Any:
    """An empty array, whose state follows in the pickle."""
    return ArrayShell.__new__(ArrayShell)


def _plain_code(code: Any) -> str:
    if not isinstance(code, str) or not PLAIN_DTYPE.fullmatch(code):
        raise UnpicklingError("a numpy dtype that is no plain number")
    return code


def _dtype(shell: Any) -> np.dtype[Any]:
    if not isinstance(shell, DtypeShell):
        raise UnpicklingError("a numpy value without a dtype")
    return np.dtype(_plain_code(shell.code))


def as_bytes(raw: Any) -> bytes:
    """Bytes as a pickle holds them.

    Raises:
        UnpicklingError: they are something else.
    """
    if isinstance(raw, str):  # as Python 2 pickled bytes
        return raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray):
        raise UnpicklingError("a numpy value without its bytes")
    return bytes(raw)
