"""Which importable names a pickle asks for, read from its opcodes without carrying any out."""

from __future__ import annotations

import _compat_pickle
import pickletools
from dataclasses import dataclass
from typing import IO, Any

# Our choice: at some 2 µs each this bounds reading to about ten seconds.
OPCODE_LIMIT = 5_000_000
COMPUTED = "(a name computed while loading)"
MARK = object()


@dataclass(frozen=True)
class Wanted:
    """What a pickle asks for.

    Attributes:
        names: dotted names, in the order of their first use.
        protocol: the highest pickle protocol among the opcodes.
        complete: false when the pickle breaks off or is too long to read to its end.
    """

    names: tuple[str, ...]
    protocol: int
    complete: bool


def wanted_by(opened: IO[bytes]) -> Wanted:
    """Read one pickle from the file's position, which is left behind its STOP.

    ``STACK_GLOBAL`` takes its name off the stack, so stack and memo are followed as far as
    strings go; a name that is built any other way is listed as such.
    """
    reader = _Reader()
    complete = False
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(opened)):
            reader.step(opcode, argument)
            complete = opcode.name == "STOP"
            if count >= OPCODE_LIMIT:
                break
    except (ValueError, IndexError, EOFError, OverflowError, MemoryError, TypeError, KeyError):
        complete = False
    return Wanted(tuple(dict.fromkeys(reader.names)), reader.protocol, complete)


class _Reader:
    """The stack and memo of an unpickler, holding strings and marks only."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.names: list[str] = []
        self.protocol = 0

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
        if pickletools.markobject in before:
            while self.stack and self.stack.pop() is not MARK:
                pass
            above = before.index(pickletools.markobject)
            del self.stack[max(0, len(self.stack) - above) :]
        elif before:
            del self.stack[max(0, len(self.stack) - len(before)) :]
        for item in after:
            is_text = len(after) == 1 and not before and isinstance(argument, str)
            mark = item is pickletools.markobject
            self.stack.append(MARK if mark else argument if is_text else None)

    def _top(self) -> Any:
        return self.stack[-1] if self.stack else None


def canonical(module: str, name: str, *, renamed: bool = True) -> str:
    """The dotted name that Python 3 imports; old pickles use Python 2's (``__builtin__``)."""
    if renamed:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[module, name]
        elif module in _compat_pickle.IMPORT_MAPPING:
            module = _compat_pickle.IMPORT_MAPPING[module]
    return f"{module}.{name}"
