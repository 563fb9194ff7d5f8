"""Which activation functions the code in a TorchScript archive calls: read as text, never run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from actdiag.load.archive import Archive

_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
_CALL = re.compile(r"\b(?:__torch__\.)?(torch(?:\.nn\.functional)?\.\w+)\(")
_ATTENTION = "torch.scaled_dot_product_attention"


def functions_by_class(archive: Archive) -> Callable[[str], dict[str, str]]:
    """Looks up the functions that a class calls, by the class's name in the archive's pickle."""
    read: dict[str, dict[str, dict[str, str]]] = {}

    def called(name: str) -> dict[str, str]:
        home, _, cls = name.rpartition(".")
        path = f"code/{home.replace('.', '/')}.py"
        if path not in read:
            read[path] = _classes(_text(archive, path))
        return read[path].get(cls, {})

    return called


def _text(archive: Archive, path: str) -> str:
    try:
        return archive.read(path).decode("utf-8", "replace") if path in archive else ""
    except ModelFileError:
        return ""


def _classes(text: str) -> dict[str, dict[str, str]]:
    """The activation functions called in each class of a file, by the callable's own name."""
    _, *parts = _CLASS.split(text)  # name, body, name, body, ...
    return {name: _calls(body) for name, body in zip(parts[::2], parts[1::2], strict=True)}


def _calls(code: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for call in _CALL.finditer(code):
        row = functions.by_callable(call[1])
        if row is not None:
            found[call[1]] = row.name
        elif call[1] == _ATTENTION:
            found[call[1]] = "softmax"
    return found
