"""Stand-ins for what checkpoints commonly hold beside weights, read as plain data.

numpy's own unpickling functions, ``argparse``, ``datetime`` and ``pathlib`` are never called: the
numbers and the text are taken out of the pickle by the functions below, which accept plain data
only.
"""

from __future__ import annotations

import re
from pickle import UnpicklingError
from typing import Any

import numpy as np

from actdiag.load.shells import NotCallable

PLAIN_DTYPE = re.compile(r"[<>|=]?(b1|[iufc](1|2|4|8|16)|\?)")


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
        flat = np.frombuffer(_raw(raw), dtype=_dtype(dtype))
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


class NamespaceShell(metaclass=NotCallable):
    """Stands for ``argparse.Namespace``: keeps a dictionary."""

    state: dict[str, Any]

    def __new__(cls) -> Any:
        """An empty namespace, until the state comes."""
        shell = object.__new__(cls)
        shell.state = {}
        return shell

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise UnpicklingError("a namespace whose state is no dictionary")
        self.state = state


class VersionText(metaclass=NotCallable):
    """Stands for ``torch.torch_version.TorchVersion``: its text."""

    def __new__(cls, text: Any = "") -> Any:
        """The text itself."""
        return text if isinstance(text, str) else ""


def numpy_dtype(code: Any, *_: Any) -> Any:
    """What ``numpy.dtype`` is called with in a pickle, for plain numbers only."""
    return DtypeShell.__new__(DtypeShell, code)


def numpy_scalar(dtype: Any, raw: Any = None) -> Any:
    """A numpy number as a Python number."""
    return np.frombuffer(_raw(raw), dtype=_dtype(dtype), count=1)[0].item()


def numpy_array(*_: Any) -> Any:
    """An empty array, whose state follows in the pickle."""
    return ArrayShell.__new__(ArrayShell)


def simple_namespace(*_: Any) -> Any:
    """An empty namespace, whose entries follow in the pickle."""
    return NamespaceShell.__new__(NamespaceShell)


def path_text(*parts: Any) -> str:
    """A path as text; nothing looks whether it exists."""
    return "/".join(part for part in parts if isinstance(part, str)).replace("//", "/")


def default_dict(*_: Any) -> dict[Any, Any]:
    """An empty dictionary, whose entries follow in the pickle; what makes new ones is left out."""
    return {}


def point_in_time(*parts: Any) -> str:
    """A date or a time as text: ``datetime`` packs its parts into bytes, ``timedelta`` doesn't."""
    if not parts or not isinstance(parts[0], bytes | str):
        return " ".join(str(part) for part in parts if isinstance(part, int))
    packed = _raw(parts[0])
    date = f"{packed[0] * 256 + packed[1]:04}-{packed[2]:02}-{packed[3]:02}" if packed[3:] else ""
    time = ":".join(f"{part:02}" for part in packed[4:7])
    return f"{date} {time}".strip()


def _plain_code(code: Any) -> str:
    if not isinstance(code, str) or not PLAIN_DTYPE.fullmatch(code):
        raise UnpicklingError("a numpy dtype that is no plain number")
    return code


def _dtype(shell: Any) -> np.dtype[Any]:
    if not isinstance(shell, DtypeShell):
        raise UnpicklingError("a numpy value without a dtype")
    return np.dtype(_plain_code(shell.code))


def _raw(raw: Any) -> bytes:
    if isinstance(raw, str):  # as Python 2 pickled bytes
        return raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray):
        raise UnpicklingError("a numpy value without its bytes")
    return bytes(raw)
