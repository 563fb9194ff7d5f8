"""All rows, and the ways to find one."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING, Any

from actdiag.errors import UsageError, did_you_mean
from actdiag.functions import (
    bounded,
    exponential,
    gated,
    gelu,
    hard,
    leaky,
    linear,
    normalising,
    onesided,
    rectifiers,
    shrinking,
    swish,
)
from actdiag.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actdiag.functions.row import ActivationFunction

ALL: tuple[ActivationFunction, ...] = (
    *linear.ROWS,
    *rectifiers.ROWS,
    *leaky.ROWS,
    *exponential.ROWS,
    *gelu.ROWS,
    *swish.ROWS,
    *gated.ROWS,
    *bounded.ROWS,
    *hard.ROWS,
    *onesided.ROWS,
    *shrinking.ROWS,
    *normalising.ROWS,
)


def _plain(word: str) -> str:
    """Letters and digits alone: ``Leaky-ReLU``, ``leaky_relu`` and ``LeakyReLU`` are one word."""
    spelled = unicodedata.normalize("NFKC", word).casefold()
    return "".join(letter for letter in spelled if letter.isalnum())


def _index(pairs: Iterable[tuple[str, ActivationFunction]]) -> dict[str, ActivationFunction]:
    index: dict[str, ActivationFunction] = {}
    for key, row in pairs:
        if index.setdefault(key, row) is not row:
            raise ValueError(f"{key} stands for both {index[key].name} and {row.name}")
    return index


_BY_WORD = _index(
    (_plain(word), row) for row in ALL for word in (row.name, row.title, *row.aliases)
)
_BY_MODULE = _index((name, row) for row in ALL for name in row.modules)
_BY_CALLABLE = _index((name, row) for row in ALL for name in row.callables)
_BY_OPERATOR = _index((name, row) for row in ALL for name in row.operators)


def find(name: str) -> ActivationFunction | None:
    """The row of that name, title or alias, however it is spelled; null if there is none."""
    return _BY_WORD.get(_plain(name))


def get(name: str) -> ActivationFunction:
    """The row of that name, title or alias, however it is spelled.

    Raises:
        UsageError: if there is none; its hint names the nearest.
    """
    row = find(name)
    if row is not None:
        return row
    nearest = difflib.get_close_matches(_plain(name), _BY_WORD, n=1)
    meant = _BY_WORD[nearest[0]].name if nearest else ""
    raise UsageError(
        f"There is no activation function called {printable(repr(name))} in the catalogue.",
        hint=did_you_mean(meant, (known.name for known in ALL)),
    )


def by_module(qualified: str) -> ActivationFunction | None:
    """The row of a module class, such as ``torch.nn.modules.activation.ReLU``."""
    return _BY_MODULE.get(qualified)


def by_callable(qualified: str) -> ActivationFunction | None:
    """The row of a function or tensor method, such as ``torch.nn.functional.relu``."""
    return _BY_CALLABLE.get(qualified)


def by_operator(name: str) -> ActivationFunction | None:
    """The row of an operator, such as ``aten::relu``, with or without its overload."""
    return _BY_OPERATOR.get(name.partition(".")[0])


def variant(row: ActivationFunction, arguments: Mapping[str, Any]) -> ActivationFunction:
    """The row that is meant when ``row``'s callable, operator or module has these arguments.

    ``gelu`` with ``approximate="tanh"`` is ``gelu_tanh``; ``hardtanh`` from 0 to 6 is ``relu6``.
    Arguments go by the names that the callable, the operator's schema or the module gives them;
    those that don't matter are ignored.
    """
    name = row.variant(arguments) if row.variant is not None else None
    return get(name) if name else row
