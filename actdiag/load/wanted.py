"""Which importable names a pickle asks for, read from its opcodes without carrying any out."""

from __future__ import annotations

import _compat_pickle
import pickletools
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Our choice: at some 2 µs each this bounds reading to about ten seconds.
OPCODE_LIMIT = 5_000_000
# Our choice: parts that one tuple may have, counting those of the tuples in it each time. Real
# files stay below 100; a file of 1 kB can double its way to 2^60, and hashing that never ends.
TUPLE_LIMIT = 1_000_000
COMPUTED = "(a name computed while loading)"
MARK = object()


@dataclass(frozen=True)
class Wanted:
    """What a pickle asks for.

    Attributes:
        names: dotted names, in the order of their first use.
        protocol: the highest pickle protocol among the opcodes.
        complete: false when the pickle breaks off or is too long to read to its end.
        explosive: it builds tuples of tuples of tuples that would take forever to walk through.
    """

    names: tuple[str, ...]
    protocol: int
    complete: bool
    explosive: bool = False


def wanted_by(opened: IO[bytes]) -> Wanted:
    """Read one pickle from the file's position, which is left behind its STOP.

    ``STACK_GLOBAL`` takes its name off the stack, so stack and memo are followed as far as
    strings go; a name that is built any other way is listed as such.
    """
    reader = _Reader()
    complete = False
    try:
        with quiet():
            for count, (opcode, argument, _) in enumerate(pickletools.genops(opened)):
                reader.step(opcode, argument)
                complete = opcode.name == "STOP"
                if count >= OPCODE_LIMIT:
                    break
    except (ValueError, IndexError, EOFError, OverflowError, MemoryError, TypeError, KeyError):
        complete = False
    names = tuple(dict.fromkeys(reader.names))
    return Wanted(names, reader.protocol, complete, reader.largest > TUPLE_LIMIT)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Python's warnings about the escape sequences in damaged text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        yield


class _Reader:
    """The stack and memo of an unpickler, holding strings, marks and the sizes of tuples only."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.names: list[str] = []
        self.protocol = 0
        self.largest = 0

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        self.protocol = max(self.protocol, opcode.proto)
        name = opcode.name
        if name in {"GLOBAL", "INST"}:
            module, _, attribute = str(argument).partition(" ")
            self.names.append(canonical(module, attribute))
        elif name == "STACK_GLOBAL":
            self._stack_global()
        elif name in {"EXT1", "EXT2", "EXT4"}:
            self.names.append(COMPUTED)
        elif name in {"PUT", "BINPUT", "LONG_BINPUT"}:
            self.memo[int(argument)] = self._top()
            return
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self._top()
            return
        elif name in {"GET", "BINGET", "LONG_BINGET"}:
            self.stack.append(self.memo.get(int(argument)))
            return
        elif name == "DUP":
            self.stack.append(self._top())
            return
        self._effect(opcode, argument)

    def _stack_global(self) -> None:
        pair = self.stack[-2:]
        if len(pair) == 2 and all(isinstance(part, str) for part in pair):  # noqa: PLR2004
            self.names.append(canonical(*pair, renamed=False))
        else:
            self.names.append(COMPUTED)

    def _effect(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        before, after = opcode.stack_before, opcode.stack_after
        taken = self._take(before)
        for item in after:
            if item is pickletools.markobject:
                self.stack.append(MARK)
            elif item is pickletools.pytuple:
                size = min(1 + sum(map(_size, taken)), TUPLE_LIMIT + 1)
                self.largest = max(self.largest, size)
                self.stack.append(size)
            else:
                is_text = not before and isinstance(argument, str)
                self.stack.append(argument if is_text else None)

    def _take(self, before: list[pickletools.StackObject]) -> list[Any]:
        count = len(before)
        taken: list[Any] = []
        if pickletools.markobject in before:
            while self.stack and (top := self.stack.pop()) is not MARK:
                taken.append(top)
            count = before.index(pickletools.markobject)
        keep = max(0, len(self.stack) - count)
        taken += self.stack[keep:]
        del self.stack[keep:]
        return taken

    def _top(self) -> Any:
        return self.stack[-1] if self.stack else None


def _size(item: Any) -> int:
    return item if isinstance(item, int) else 1


def canonical(module: str, name: str, *, renamed: bool = True) -> str:
    """The dotted name that Python 3 imports; old pickles use Python 2's (``__builtin__``)."""
    if renamed:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[module, name]
        elif module in _compat_pickle.IMPORT_MAPPING:
            module = _compat_pickle.IMPORT_MAPPING[module]
    return f"{module}.{name}"
