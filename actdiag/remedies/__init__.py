"""The documented remedies, one file each, trained on a copy of the model beside a control.

Importing this package imports no torch: a remedy does so when it is applied.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from actdiag.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from actdiag.remedies.base import Remedy

_NOT_REMEDIES = {
    "base",
    "choosing",
    "comparing",
    "engine",
    "fresh",
    "objective",
    "pool",
    "saving",
    "surgery",
    "training",
}


def names() -> tuple[str, ...]:
    """The names of the remedies, sorted; finds them without importing them."""
    found = (item.name for item in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in found if name not in _NOT_REMEDIES))


def require(name: str) -> str:
    """Return ``name`` when it is a remedy.

    Raises:
        UsageError: there is no such remedy; the hint names the nearest.
    """
    if name not in names():
        raise UsageError(f"there is no remedy '{name}'", hint=did_you_mean(name, names()))
    return name


@cache
def registry() -> dict[str, Remedy]:
    """Every remedy by its name."""
    modules = (
        importlib.import_module(f"{__name__}.{name.replace('-', '_')}").REMEDY for name in names()
    )
    return {remedy.name: remedy for remedy in modules}
