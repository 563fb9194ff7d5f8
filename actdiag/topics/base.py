"""What one page of explanation is: a title, and parts of sentences, items or rows."""

from __future__ import annotations

from dataclasses import dataclass, field

RULE, FUNCTION, SYMPTOM, SITUATION, TABLE = "rule", "function", "symptom", "situation", "table"


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with paragraphs under it, then labelled lines.

    ``rows`` are pairs of a label and what is said of it; a label may be empty.
    """

    heading: str
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One page.

    Attributes:
        kind: one of the words above.
        name: what it is asked for by.
        title: the first line.
        parts: the page, in order.
        aliases: other words that mean it; spelling in capitals, spaces and hyphens never matters.
        function: name of the activation function whose curve belongs to the page, or empty.
    """

    kind: str
    name: str
    title: str
    parts: tuple[Part, ...]
    aliases: tuple[str, ...] = field(default=())
    function: str = ""
