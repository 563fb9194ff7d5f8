"""A page for every activation function: its numbers, where it is used, what goes wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.functions import places
from actdiag.topics.base import FUNCTION, Part, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.functions import ActivationFunction

_EXPECTED = {
    "relu": (places.HIDDEN,),
    "gelu": (places.HIDDEN, places.FEED_FORWARD),
    "swiglu": (places.FEED_FORWARD,),
    "geglu": (places.FEED_FORWARD,),
    "sigmoid": (places.BINARY, places.GATES),
    "softmax": (places.CLASSES, places.ATTENTION),
    "identity": (places.VALUES,),
}


def topics() -> Iterator[Topic]:
    """The pages of the whole catalogue."""
    for row in functions.ALL:
        yield Topic(
            kind=FUNCTION,
            name=row.name,
            title=f"{row.title}: {row.formula}",
            parts=tuple(_parts(row)),
            aliases=(row.title, *row.aliases),
            function=row.name,
        )


def _parts(row: ActivationFunction) -> Iterator[Part]:
    yield Part("", rows=tuple(_numbers(row)))
    told = {
        "Used for": row.used_for,
        "What goes wrong": row.goes_wrong,
        "What to do": row.advice,
    }
    yield from (Part(heading, text) for heading, text in told.items() if text)
    expected = _EXPECTED.get(row.name, ())
    if expected:
        yield Part("Expected as", rows=tuple((one.place, one.reason) for one in expected))
    if row.source:
        yield Part("Source", row.source)


def _numbers(row: ActivationFunction) -> Iterator[tuple[str, str]]:
    low, high = (number(end) for end in row.output_range)
    yield "range", f"{low} to {high}"
    if row.max_slope is not None:
        yield "largest slope", number(row.max_slope)
    saturated = " and ".join(_saturated(row))
    if saturated:
        yield "saturated", saturated
    if row.gain:
        yield "initialise", f"{row.initialisation}, gain {row.gain:.4g}"
    if row.gate:
        yield "gate", functions.get(row.gate).title
    if row.settings:
        yield "settings", ", ".join(f"{key} = {value:g}" for key, value in row.settings.items())


def _saturated(row: ActivationFunction) -> Iterator[str]:
    if row.saturated_below is not None:
        yield f"below {number(row.saturated_below)}"
    if row.saturated_above is not None:
        yield f"above {number(row.saturated_above)}"


def number(value: float) -> str:
    """Four digits, and ∞ for what has no end."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.4g}"
