"""The line of the user's own code that made a call."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_TORCH = str(Path(torch.__file__).resolve().parent)
_OURS = str(Path(__file__).resolve().parent.parent)
_BETWEEN = str(Path(__file__).resolve().with_name("leaves.py"))  # the forwards of torch's layers


@cache
def _owner(filename: str) -> str:
    """``torch``, ``actdiag``, ``generated`` or ``user``."""
    if filename.startswith("<"):
        return "generated"
    path = str(Path(filename).resolve())
    if path.startswith(_TORCH) or path == _BETWEEN:
        return "torch"
    return "actdiag" if path.startswith(_OURS) else "user"


def is_ours(filename: str) -> bool:
    """Whether a file is one of this package."""
    return str(Path(filename).resolve()).startswith(_OURS)


def location(filename: str, line: int) -> str:
    """``file:line``, the file relative to the working directory where it lies below it."""
    path = Path(filename).resolve()
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{shown.as_posix()}:{line}"


def calling_line() -> str | None:
    """``file:line`` of the nearest user frame above the capture, or None when there is none.

    The capture's own frames are passed over until the first foreign one; reaching them again
    from outside means that no user code lies between the model and the scan.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to walk frames
    while frame is not None and _owner(frame.f_code.co_filename) == "actdiag":
        frame = frame.f_back
    while frame is not None:
        owner = _owner(frame.f_code.co_filename)
        if owner == "user":
            return location(frame.f_code.co_filename, frame.f_lineno)
        if owner == "actdiag":
            return None
        frame = frame.f_back
    return None


def raising_line(traceback: TracebackType | None) -> str | None:
    """``file:line`` of the innermost user frame of a traceback."""
    found = None
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if _owner(filename) == "user":
            found = location(filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found
