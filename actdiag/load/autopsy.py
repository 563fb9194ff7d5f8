"""What a refused pickle would do, told by fickling where it is installed (extra ``security``)."""

from __future__ import annotations

import ast
import importlib.util
from typing import Any

from actdiag.text import printable

SHOWN = 4
# How a pickle puts together what every checkpoint holds.
_HARMLESS: tuple[str, ...] = ("_rebuild", "OrderedDict", "UNPICKLER", "_var", "result")
_HARMLESS += ("set", "frozenset", "dict", "list", "tuple", "bytearray")


def what_it_does(raw: bytes | None) -> str:
    """The calls that a pickle would make, as Python text; ``""`` without fickling or a pickle.

    fickling decompiles the opcodes; nothing is carried out.
    """
    if not raw or importlib.util.find_spec("fickling") is None:
        return ""
    from fickling.fickle import Pickled

    try:
        tree: Any = Pickled.load(raw).ast
        calls = [ast.unparse(line) for line in tree.body if _is_foreign_call(line)]
    except Exception:  # noqa: BLE001 - hostile input to somebody else's parser
        return ""
    if not calls:
        return ""
    more = f" and {len(calls) - SHOWN} more calls" if len(calls) > SHOWN else ""
    return "; ".join(printable(call, limit=120) for call in calls[:SHOWN]) + more + "."


def _is_foreign_call(line: ast.stmt) -> bool:
    if isinstance(line, ast.ImportFrom | ast.Import):
        return False
    named = {node.id for node in ast.walk(line) if isinstance(node, ast.Name)}
    called = [
        node.func.id
        for node in ast.walk(line)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return bool(called) and bool(named) and not all(name.startswith(_HARMLESS) for name in called)
