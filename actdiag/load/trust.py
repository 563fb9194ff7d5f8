"""The only place that decides whether code may run.

Nothing that a model file names is imported or called unless the user said so: everything with
``--trust``, single names with ``--allow``. Modules of ``torch.nn`` and common plain data need
neither, because inert stand-ins take their place while the file is read
(:mod:`actdiag.load.standins`). There is no fallback: a file that needs more than was allowed is
refused, with the list of what it wants.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.torch_version import TorchVersion

from actdiag.errors import ModelFileError, RefusedError, UsageError
from actdiag.load import autopsy, usercode
from actdiag.load.allowing import how_to_allow, listed
from actdiag.load.shells import module_of, shell_for
from actdiag.load.standins import stand_ins, support
from actdiag.text import printable

if TYPE_CHECKING:
    from types import ModuleType

    from actdiag.load.wanted import Wanted

# weights_only loading has known holes before this version (GHSA-63cw-57p8-fm3p).
OLDEST_TORCH = "2.10"
# Only our own rewriting of old pickles names this; a file that does is refused before.
MODULE_OF = f"{module_of.__module__}.{module_of.__name__}"
SAFE_PROTOCOL = 2  # what torch.save writes and torch's restricted unpickler reads


@dataclass(frozen=True, slots=True)
class Trust:
    """What the user allowed.

    Attributes:
        everything: ``--trust``: the file may run any code.
        names: ``--allow``: these importable names may be used by the file.
    """

    everything: bool = False
    names: frozenset[str] = frozenset()


NO_TRUST = Trust()


def lacking(wanted: Wanted, trust: Trust = NO_TRUST) -> tuple[str, ...]:
    """Which of the names that a pickle wants are neither harmless nor allowed."""
    if trust.everything:
        return ()
    harmless = _torch_defaults() | stand_ins().keys() | trust.names
    return tuple(printable(name) for name in wanted.names if name not in harmless)


def why_not_by_name(wanted: Wanted, trust: Trust) -> str:
    """Why allowing names is not enough to load a pickle safely, or ``""``."""
    if trust.everything or wanted.protocol <= SAFE_PROTOCOL:
        return ""
    return (
        f"was pickled with protocol {wanted.protocol}, which only a loader that may run any code "
        "can read (torch.save writes protocol 2)"
    )


def shown_names(wanted: Wanted) -> tuple[str, ...]:
    """Every name that a pickle mentions, safe to print."""
    return tuple(printable(name) for name in wanted.names)


def allowed_objects(wanted: Wanted, trust: Trust, home: ModuleType | None) -> tuple[Any, ...]:
    """The user's allowed classes and functions that a pickle wants."""
    names = [name for name in wanted.names if name in trust.names and name not in _torch_defaults()]
    return tuple(resolve(name, home) for name in names)


def demand(shown: str, wanted: Wanted, trust: Trust, raw: bytes | None = None) -> None:
    """Let a pickle pass, or refuse it.

    Args:
        shown: the file's path, safe to print.
        wanted: what its pickle asks for.
        trust: what the user allowed.
        raw: the pickle itself, to tell what it would do where fickling is installed.

    Raises:
        RefusedError: it asks for more than is harmless and allowed.
        ModelFileError: it is built to never finish.
    """
    if wanted.explosive:
        message = f"{shown} is built to never finish loading: it nests tuples without end."
        raise ModelFileError(message, hint="Don't trust this file; get it from its source again.")
    names = lacking(wanted, trust)
    if trust.everything or not (names or wanted.protocol > SAFE_PROTOCOL):
        return
    if not names:
        message = f"{shown} was not loaded: it {why_not_by_name(wanted, trust)}."
        hint = "If you trust its source: --trust. Or save it again with torch.save(model, path)."
        raise RefusedError(message, wants=(), hint=hint)
    message = (
        f"{shown} was not loaded: it would run code from outside torch.nn. "
        f"It asks for {listed(names)}."
    )
    if told := autopsy.what_it_does(raw):
        message += f" What the file would do: {told}"
    hint = how_to_allow(names, by_name=wanted.protocol <= SAFE_PROTOCOL)
    raise RefusedError(message, wants=names, hint=hint)


def demand_everything(shown: str, what: str, why: str, trust: Trust) -> None:
    """Let a format pass that is code by nature, or refuse it.

    Raises:
        RefusedError: the user did not say ``--trust``.
    """
    if not trust.everything:
        message = f"{shown} was not loaded: it is {what}, and {why}."
        raise RefusedError(message, hint="If you trust its source, add --trust.")


def check_torch() -> str:
    """What to tell the user where this torch's restricted loader has known holes; else ``""``."""
    if TorchVersion(torch.__version__) >= OLDEST_TORCH:
        return ""
    return (
        f"torch {torch.__version__} has known holes in safe loading; use {OLDEST_TORCH} or later."
    )


def permitted(
    wanted: Wanted, trust: Trust, home: ModuleType | None = None
) -> dict[str, Any] | None:
    """What a demanded pickle may use: name -> what stands for it; null when it may use anything.

    Args:
        wanted: what the pickle asks for.
        trust: what the user allowed.
        home: the module of the user's factory, where classes of ``__main__`` are looked for.

    Raises:
        UsageError: an allowed name that it asks for cannot be imported.
    """
    if trust.everything:
        return None
    known = stand_ins()
    found = support() | {MODULE_OF: module_of}
    for name in wanted.names:
        if name in known:
            found[name] = known[name]
        elif name in trust.names and name not in _torch_defaults():
            value = resolve(name, home)
            is_module = isinstance(value, type) and issubclass(value, nn.Module)
            found[name] = shell_for(value) if is_module else value
    return found


def resolve(name: str, home: ModuleType | None) -> Any:
    """Import an allowed name; ``__main__`` and the factory's own module are looked up in ``home``.

    Raises:
        UsageError: there is no such module or name.
    """
    module_name, _, attribute = name.rpartition(".")
    if home is not None and hasattr(home, attribute) and module_name in {"__main__", home.__name__}:
        return getattr(home, attribute)
    if module_name == "__main__":
        message = f"--allow {printable(name)}: that was defined in the script that saved the file."
        raise UsageError(message, hint=f"Name the script too: --model FILE.py:{attribute}.")
    try:
        with usercode.importable_from_here():
            return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        message = f"--allow {printable(name)}: it cannot be imported ({printable(error)})."
        hint = "Run where its package is installed, or check the spelling."
        raise UsageError(message, hint=hint) from None


def _torch_defaults() -> frozenset[str]:
    from torch._weights_only_unpickler import _get_allowed_globals

    return frozenset(_get_allowed_globals())
