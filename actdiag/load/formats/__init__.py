"""One file per checkpoint format, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actdiag.load.format import Format


@cache
def all_formats() -> tuple[Format, ...]:
    """Every format that is a file, in the order of their module names."""
    names = sorted(item.name for item in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").FORMAT for name in names)
