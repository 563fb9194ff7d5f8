"""Finding the rules: one module each in this package, and the entry points ``actdiag.rules``."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING

from actdiag.errors import UsageError
from actdiag.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "actdiag.rules"
RULE_MODULE = re.compile(r"[a-z]{3}\d{3}_\w+")


@cache
def registry() -> dict[str, Rule]:
    """All rules by code, in the order of their codes.

    Raises:
        UsageError: a plugin cannot be loaded, holds no rule, or takes a code that is in use.
    """
    rules: dict[str, Rule] = {}
    for origin, rule in (*_own(), *_plugins()):
        if rule.code in rules or rule.name in {known.name for known in rules.values()}:
            raise UsageError(
                f"two rules are called {rule.code} or {rule.name!r}; the second is from {origin}",
                hint=f"Uninstall the package that holds {origin}, or ask its authors to rename.",
            )
        rules[rule.code] = rule
    return dict(sorted(rules.items()))


def _own() -> Iterator[tuple[str, Rule]]:
    package = importlib.import_module("actdiag.rules")
    for module in pkgutil.iter_modules(package.__path__):
        if RULE_MODULE.fullmatch(module.name):
            full = f"actdiag.rules.{module.name}"
            yield full, importlib.import_module(full).RULE


def _plugins() -> Iterator[tuple[str, Rule]]:
    for point in importlib.metadata.entry_points(group=GROUP):
        hint = "Update or uninstall the package that declares it."
        try:
            loaded = point.load()
        except Exception as error:
            kind = type(error).__name__
            message = f"the plugin {point.value!r} of {GROUP} cannot be loaded: {kind}: {error}"
            raise UsageError(message, hint=hint) from error
        rule = getattr(loaded, "RULE", loaded)
        if not isinstance(rule, Rule):
            raise UsageError(f"the plugin {point.value!r} of {GROUP} holds no rule", hint=hint)
        yield point.value, rule
