"""The pictures of ``actdiag explain``: characters in the terminal, a PNG in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.cli._output import display
from actdiag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actdiag.topics import Topic


def picture(topic: Topic) -> Iterator[str]:
    """Yield the curve that belongs to a page, or softmax's bars, as lines for the terminal."""
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


def draw(topic: Topic, path: Path) -> None:
    """Write the figure of a page.

    Raises:
        UsageError: the page has none, or the file cannot be written.
    """
    from actdiag import functions
    from actdiag.render._plots.canvas import PAPER, png
    from actdiag.render._plots.one_function import draw as drawn
    from actdiag.render._plots.one_function import draw_temperatures
    from actdiag.topics.situations import LOGITS, TEMPERATURES

    drawing = None
    if topic.function == "softmax":
        drawing = draw_temperatures(LOGITS, TEMPERATURES, PAPER)
    elif topic.function:
        drawing = drawn(functions.get(topic.function), PAPER)
    if drawing is None:
        hint = "Functions of one number can be drawn, gated ones by their gate, and softmax."
        raise UsageError(f"--plot: there is no curve of '{topic.name}'", hint=hint)
    try:
        path.write_bytes(png(drawing))
    except OSError as error:
        hint = "Give the path of a file in a folder that exists and can be written to."
        raise UsageError(f"--plot {path}: {error.strerror}", hint=hint) from None
