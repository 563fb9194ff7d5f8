"""Stand-ins for what checkpoints commonly hold beside weights, read as plain data.

``argparse``, ``datetime`` and ``pathlib`` are never called: the text is taken out of the pickle by
the functions below, which accept plain data only. For numpy see :mod:`actdiag.arrays`.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

from actdiag.arrays import NotCallable, as_bytes


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
    packed = as_bytes(parts[0])
    date = f"{packed[0] * 256 + packed[1]:04}-{packed[2]:02}-{packed[3]:02}" if packed[3:] else ""
    time = ":".join(f"{part:02}" for part in packed[4:7])
    return f"{date} {time}".strip()
