"""Finding a page by whatever a person calls it."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

from actdiag.errors import UsageError, did_you_mean
from actdiag.text import printable
from actdiag.topics import functions, rules, situations, symptoms
from actdiag.topics.base import FUNCTION, RULE, SITUATION, SYMPTOM, TABLE, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL_KINDS = (SITUATION, TABLE, SYMPTOM, RULE, FUNCTION)
_FILLERS = {"the", "a", "an", "is", "are", "in", "of", "to", "for", "my"}


@cache
def topics() -> tuple[Topic, ...]:
    """Every page."""
    rooms = (rules, functions, symptoms, situations)
    return tuple(topic for room in rooms for topic in room.topics())


def known() -> Iterator[str]:
    """Every word that is understood."""
    for topic in topics():
        yield from (topic.name, *topic.aliases)


def find(words: str) -> Topic | None:
    """The page of that name or alias; small words, capitals and punctuation don't matter."""
    return _index().get(_plain(words))


def look_up(words: str) -> Topic:
    """The page of that name or alias.

    Raises:
        UsageError: nothing is known by that name; its hint names the nearest.
    """
    found = find(words)
    if found is not None:
        return found
    spelled = {_plain(word): word for word in known()}
    nearest = difflib.get_close_matches(_plain(words), spelled, n=1)
    hint = "actdiag explain lists the topics; functions are named as in torch.nn."
    if nearest:
        hint = did_you_mean(spelled[nearest[0]], [spelled[nearest[0]]])
    raise UsageError(f"nothing is known about '{printable(words)}'", hint=hint)


@cache
def _index() -> dict[str, Topic]:
    """Rules come first where two pages share a word."""
    index: dict[str, Topic] = {}
    for topic in topics():
        for word in (topic.name, *topic.aliases):
            index.setdefault(_plain(word), topic)
    return index


def _plain(words: str) -> str:
    """Letters and digits, without small words: ``The model isn't learning`` is one word."""
    spelled = "".join(
        letter if letter.isalnum() else "" if letter in "'’" else " " for letter in words.casefold()
    )
    kept = [word for word in spelled.split() if word not in _FILLERS]
    return "".join(kept or spelled.split())
