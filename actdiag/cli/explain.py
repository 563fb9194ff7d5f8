"""``actdiag explain TOPIC``: a rule, a function, a symptom or a situation, in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actdiag.cli._failing import told_once
from actdiag.cli._options import option
from actdiag.cli._output import wrapped, write_out
from actdiag.cli._pictures import draw, picture
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actdiag.topics import Part, Topic

LABELS = 30  # our choice: longer labels stand on a line of their own
HEADINGS = {
    "situation": "SITUATIONS",
    "table": "TABLES",
    "symptom": "SYMPTOMS",
    "rule": "RULES",
    "function": "FUNCTIONS",
}

EPILOG = """Examples

actdiag explain dead-relu

actdiag explain SwiGLU --plot swiglu.png

actdiag explain the model is not learning

actdiag explain temperature"""


def topics_beginning(incomplete: str) -> list[str]:
    """Complete the name of a topic of one word in the shell."""
    from actdiag import topics

    names = (topic.name for topic in topics.topics() if " " not in topic.name)
    return [name for name in names if name.lower().startswith(incomplete.lower())]


def explain(
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC",
            help="A rule's code or name, a function, a symptom or a situation; else lists them.",
            autocompletion=topics_beginning,
        ),
    ] = None,
    *,
    plot: Annotated[
        Path | None,
        option("--plot", metavar="PNG", panel="Output", help="Also draw the function to a file."),
    ] = None,
) -> None:
    """Explain a rule (ACT101), a function (SwiGLU), a symptom or what to use where."""
    with told_once():
        from actdiag import topics

        if not topic:
            if plot is not None:
                hint = "For example: actdiag explain gelu --plot gelu.png"
                raise UsageError("--plot was given without a function to draw", hint=hint)
            lines = _list(topics.topics())
        else:
            found = topics.look_up(" ".join(topic))
            if plot is not None:
                draw(found, plot)
            lines = _page(found)
        for line in lines:
            write_out(line + "\n")


def _list(known: tuple[Topic, ...]) -> Iterator[str]:
    from actdiag.topics import ALL_KINDS

    for kind in ALL_KINDS:
        names = [topic.name for topic in known if topic.kind == kind]
        yield from ([] if kind == ALL_KINDS[0] else [""])
        yield HEADINGS[kind]
        if kind in ("rule", "function"):
            yield wrapped(", ".join(names), "  ")
        else:
            yield from (wrapped(name, "  ") for name in names)


def _page(topic: Topic) -> Iterator[str]:
    yield wrapped(topic.title)
    for part in topic.parts:
        yield from _part(part)
    yield from picture(topic)


def _part(part: Part) -> Iterator[str]:
    if part.heading:
        yield from ("", wrapped(_capital(part.heading)))
    if part.text:
        yield wrapped(part.text)
    longest = max((len(label) for label, _ in part.rows), default=0)
    indent = "  " if not part.heading or longest > 1 else ""
    for label, text in part.rows:
        if longest <= LABELS:
            yield wrapped(text, f"{indent}{label:{longest}}  ")
        else:
            yield from (wrapped(label), wrapped(text, "  "))


def _capital(heading: str) -> str:
    """The words before a comma or a bracket in capitals; code keeps its own."""
    start, comma, rest = heading.partition(",")
    return heading if "(" in heading else f"{start.upper()}{comma}{rest}"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(explain)
