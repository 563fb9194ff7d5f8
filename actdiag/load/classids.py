"""Module classes in old files: persistent ids, which a restricted unpickler refuses."""

from __future__ import annotations

import pickle
import pickletools
from pickletools import genops

from actdiag.load.trust import MODULE_OF
from actdiag.load.wanted import quiet


def without_class_ids(data: bytes, start: int, end: int) -> bytes:
    """Let a whole module name its classes as any pickle does.

    Old files store a module's class as a persistent id, ``("module", class, file, source)``, which
    torch's restricted unpickler refuses. The tuple is handed to a function of ours instead, which
    gives the class in it: a GLOBAL is put before the tuple's MARK, and REDUCE stands for BINPERSID.

    Args:
        data: the whole file.
        start: where the saved object's pickle begins.
        end: where it ends.
    """
    edits = sorted(_edits(data[start:end]))
    if not edits:
        return data
    pieces, done = [data[:start]], start
    for place, length, text in edits:
        at = start + place
        pieces += [data[done:at], text]
        done = at + length
    return b"".join([*pieces, data[done:]])


def _edits(raw: bytes) -> list[tuple[int, int, bytes]]:
    """Place, number of bytes to drop, and bytes to put there, for each module class."""
    module, _, name = MODULE_OF.rpartition(".")
    call = pickle.GLOBAL + f"{module}\n{name}\n".encode()
    edits: list[tuple[int, int, bytes]] = []
    marks: list[int] = []
    opens_module: dict[int, bool] = {}  # place of a MARK -> whether "module" comes right after it
    word_module: set[int] = set()  # memo places that hold "module"
    tuple_at, previous, before = -1, "", None
    with quiet():
        steps = [(opcode, argument, place or 0) for opcode, argument, place in genops(raw)]
    for opcode, argument, where in steps:
        name = opcode.name
        is_word = argument == "module" or (name.endswith("GET") and argument in word_module)
        if previous == "MARK" and marks:
            opens_module[marks[-1]] = is_word
        if name.endswith("PUT"):
            if before == "module" and isinstance(argument, int):
                word_module.add(argument)
            continue
        if name == "BINPERSID" and previous == "TUPLE" and opens_module.get(tuple_at):
            edits += [(tuple_at, 0, call), (where, 1, pickle.TUPLE1 + pickle.REDUCE)]
        if name == "MARK":
            marks.append(where)
        elif pickletools.markobject in opcode.stack_before and marks:
            tuple_at = marks.pop()
        previous, before = name, argument
    return edits
