"""Reading a pickle without doing anything that it says.

Every name in it becomes a :class:`Named`, every call and every object a :class:`Made` that keeps
what it was given. Nothing is imported, nothing is called, no tensor's data is read: what is left is
the shape of what the file would build, to be looked at where loading it would need trust.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from actdiag.load.wanted import canonical, wanted_by

if TYPE_CHECKING:
    from collections.abc import Callable

STORAGE = "(storage)"
_MODULE_PARTS = 2


@dataclass(eq=False, slots=True)
class Named:
    """A dotted name in the pickle; what stands behind it is never looked up."""

    name: str


@dataclass(eq=False, slots=True)
class Made:
    """What a call or an object in the pickle was given.

    Attributes:
        name: of what was called.
        arguments: of the call.
        state: what BUILD gave.
        entries: keys and values set on it.
        items: values appended or added to it.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None
    entries: list[tuple[Any, Any]] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries.append((key, value))

    def append(self, value: Any) -> None:
        """Keep an item of a list."""
        self.items.append(value)

    def extend(self, values: list[Any]) -> None:
        """Keep items of a list."""
        self.items.extend(values)

    update = add = extend


def read_inert(raw: bytes) -> Any:
    """What the pickle in ``raw`` would build, in inert parts.

    Raises:
        ValueError: it is damaged, or built to never finish.
    """
    wanted = wanted_by(io.BytesIO(raw))
    if not wanted.complete or wanted.explosive:
        raise ValueError("the pickle is cut off, or too large to look through")
    try:
        return _Inert(io.BytesIO(raw)).load()
    except Exception as error:  # hostile input fails in any way
        raise ValueError(f"the pickle is damaged: {type(error).__name__}") from error


# The reader written in Python: the one in C allocates as much memory as a number in the file says.
class _Inert(pickle._Unpickler):  # noqa: SLF001
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001
    proto: int
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    readline: Callable[[], bytes]

    def find_class(self, module: str, name: str) -> Any:
        return Named(canonical(module, name, renamed=self.proto < 3))  # noqa: PLR2004 - as Python 3 does

    def persistent_load(self, pid: Any) -> Any:
        """A storage, or the class in what old files store: ``("module", class, file, source)``."""
        if isinstance(pid, tuple) and len(pid) > _MODULE_PARTS and pid[0] == "module":
            return pid[1]
        return Made(STORAGE, pid if isinstance(pid, tuple) else (pid,))

    def get_extension(self, code: int) -> NoReturn:
        raise ValueError(f"extension {code}")

    def _make(self, named: Any, arguments: Any) -> None:
        if not isinstance(named, Named) or not isinstance(arguments, tuple):
            raise TypeError("a call of something that is no name")
        self.append(Made(named.name, arguments))

    def _called(self) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        self._make(named, arguments)

    def _called_with_keywords(self) -> None:
        _, arguments, named = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self._make(named, arguments)

    def _instance(self) -> None:
        arguments = self.pop_mark()
        self._make(arguments[0], tuple(arguments[1:]))

    def _named_instance(self) -> None:
        module, name = (self.readline()[:-1].decode("utf-8", "replace") for _ in range(2))
        self._make(self.find_class(module, name), tuple(self.pop_mark()))

    def _built(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, Made):
            made.state = state

    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = _called
    dispatch[pickle.NEWOBJ_EX[0]] = _called_with_keywords
    dispatch[pickle.OBJ[0]] = _instance
    dispatch[pickle.INST[0]] = _named_instance
    dispatch[pickle.BUILD[0]] = _built
