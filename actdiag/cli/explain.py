"""``actdiag explain TOPIC``: a rule, a function, a symptom or a situation, in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actdiag.cli._failing import told_once
from actdiag.cli._options import option
from actdiag.cli._output import display, wrapped, write_out
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


def explain(
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC",
            help="A rule's code or name, a function, a symptom or a situation; else lists them.",
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
                _draw(found, plot)
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
    yield from _picture(topic)


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


def _picture(topic: Topic) -> Iterator[str]:
    if not topic.function:
        return
    from actdiag import functions
    from actdiag.render._terminal import curve
    from actdiag.topics.situations import LOGITS, TEMPERATURES

    shown, row = display(), functions.get(topic.function)
    single = curve.drawable(row)
    if single is not None:
        yield from ("", "CURVE" if single is row else f"CURVE OF THE GATE, {single.title}")
        yield from curve.curve(single, width=shown.width, unicode=shown.unicode)
    elif row.name == "softmax":
        yield from ("", f"softmax([{', '.join(f'{value:g}' for value in LOGITS)}])")
        yield from curve.bars(LOGITS, TEMPERATURES, unicode=shown.unicode)


def _draw(topic: Topic, path: Path) -> None:
    """Write the figure of a page.

    Raises:
        UsageError: the page has none, or the file cannot be written.
    """
    from actdiag import functions
    from actdiag.render._plots.canvas import PAPER, png
    from actdiag.render._plots.one_function import draw, draw_temperatures
    from actdiag.topics.situations import LOGITS, TEMPERATURES

    drawing = None
    if topic.function == "softmax":
        drawing = draw_temperatures(LOGITS, TEMPERATURES, PAPER)
    elif topic.function:
        drawing = draw(functions.get(topic.function), PAPER)
    if drawing is None:
        hint = "Functions of one number can be drawn, gated ones by their gate, and softmax."
        raise UsageError(f"--plot: there is no curve of '{topic.name}'", hint=hint)
    try:
        path.write_bytes(png(drawing))
    except OSError as error:
        hint = "Give the path of a file in a folder that exists and can be written to."
        raise UsageError(f"--plot {path}: {error.strerror}", hint=hint) from None


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(explain)
