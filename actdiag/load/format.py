"""What a checkpoint format is to the rest of the room, and what a caller asks of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actdiag.errors import ActdiagError, ModelFileError
from actdiag.load.factory import Factory, open_factory
from actdiag.load.trust import NO_TRUST, Trust
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actdiag.load.result import LoadedModel
    from actdiag.load.source import ModelFile


@dataclass(frozen=True)
class Request:
    """How a file is to be loaded.

    Attributes:
        factory: ``FILE.py:NAME`` or ``PKG.MOD:NAME`` that builds the module, if the user gave one.
        factory_args: keyword arguments for it.
        trust: what the user allowed.
        partial: go on when only a part of a state dict fits.
        device: where the module goes.
    """

    factory: str | None = None
    factory_args: dict[str, Any] = field(default_factory=dict)
    trust: Trust = NO_TRUST
    partial: bool = False
    device: str = "cpu"

    @contextlib.contextmanager
    def opened_factory(self) -> Iterator[Factory | None]:
        """The user's factory while its code is importable, or null."""
        if self.factory is None:
            yield None
        else:
            with open_factory(self.factory) as factory:
                yield factory


@dataclass(frozen=True)
class Verdict:
    """What loading a file would take.

    Attributes:
        wants: importable names it asks for that are neither harmless nor allowed.
        why: why only ``--trust`` opens it, or ``""``.
        names: every importable name that its pickle mentions, the harmless ones too.
        title: what a person calls such a file, where the format's own title is too wide; or ``""``.
    """

    wants: tuple[str, ...] = ()
    why: str = ""
    names: tuple[str, ...] = ()
    title: str = ""

    @property
    def holds_module(self) -> bool:
        """Whether the pickle names a module class, so that it holds more than weights."""
        modules = ("torch.nn.modules.", "torch.nn.parallel.")
        return any(name.startswith(modules) for name in self.names) or bool(self.wants)

    @property
    def safe(self) -> bool:
        """Whether it loads without running code of its own."""
        return not (self.wants or self.why)


@dataclass(frozen=True)
class Examination:
    """What a file is, told without loading it.

    Attributes:
        path: as given, safe to print.
        format: the format's name in the report.
        title: what a person calls it.
        size: bytes.
        sha256: hash of the file.
        verdict: what loading it would take.
    """

    path: str
    format: str
    title: str
    size: int
    sha256: str
    verdict: Verdict


@dataclass(frozen=True)
class Format:
    """One checkpoint format; each file in ``actdiag.load.formats`` defines one as ``FORMAT``.

    Attributes:
        name: its name in the report.
        title: what a person calls it.
        recognises: tells by content, never by the file's suffix. No two formats claim a file.
        load: reads it.
        examine: says what loading it would take, without loading anything.
        parts: whether it can hold several weights, each under a key.
    """

    name: str
    title: str
    recognises: Callable[[ModelFile], bool]
    load: Callable[[ModelFile, Request], LoadedModel]
    examine: Callable[[ModelFile, Trust], Verdict]
    parts: bool = False


@contextlib.contextmanager
def readable(file: object, title: str) -> Iterator[None]:
    """Turn whatever a reader raises on damaged content into an error that names the file."""
    try:
        yield
    except ActdiagError:
        raise
    except Exception as error:
        first = _reason(str(error))
        said = f"{type(error).__name__}: {first}" if first else type(error).__name__
        message = f"{file} is damaged or cut off; it can't be read as {title} ({said})."
        raise ModelFileError(message, hint="Copy, download or save it again.") from error


def _reason(text: str) -> str:
    """What a reader said, in one line, without torch's advice to load unsafely."""
    _, found, reason = text.partition("WeightsUnpickler error:")
    reason = reason.strip() if found else text.strip()
    return printable(reason.partition("\n")[0].removesuffix("."))
