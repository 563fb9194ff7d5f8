"""One activation function and its slope, or softmax at several temperatures, as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag import functions
from actdiag.render._plots.canvas import Drawing, Palette, styled
from actdiag.render._terminal.curve import SPAN, drawable, points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actdiag.functions import ActivationFunction

_POINTS = 501
_CAPTION = "The function and its slope: where the slope is 0 no gradient passes."


def draw(row: ActivationFunction, palette: Palette) -> Drawing | None:
    """Draw a function of one number (a gated one by its gate); null for any other."""
    shown = drawable(row)
    if shown is None:
        return None
    with styled(palette):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axis = figure.subplots()
        drawn = points(shown, _POINTS)
        xs = [x for x, _ in drawn]
        axis.plot(xs, [y for _, y in drawn], color=palette.first, label=shown.title)
        if shown.slope is not None:
            slopes = [float(shown.slope(x, functions.scalar, **shown.settings)) for x in xs]
            axis.plot(xs, slopes, color=palette.second, linestyle="--", label="slope")
        axis.axhline(0, color=palette.muted, linewidth=0.6)
        axis.axvline(0, color=palette.muted, linewidth=0.6)
        axis.set_xlim(-SPAN, SPAN)
        axis.set_xlabel("input")
        gate = "" if shown is row else f", the gate of {row.title}"
        axis.set_title(f"{shown.title}{gate}")
        axis.legend()
    return Drawing(row.name, row.title, _CAPTION, figure)


def draw_temperatures(
    logits: tuple[float, ...], temperatures: Sequence[float], palette: Palette
) -> Drawing:
    """Draw softmax of the logits, a group of bars for each temperature."""
    with styled(palette):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axis = figure.subplots()
        width = 0.8 / len(temperatures)
        colors = (palette.first, palette.second, palette.third)
        for place, temperature in enumerate(temperatures):
            at = [index + width * place for index in range(len(logits))]
            shares = functions.softmax(logits, temperature)
            color = colors[place % len(colors)]
            axis.bar(at, shares, width, color=color, label=f"T = {temperature:g}")
        axis.set_xticks(
            [index + 0.4 - width / 2 for index in range(len(logits))],
            [f"logit {value:g}" for value in logits],
        )
        axis.set_ylabel("share")
        axis.set_title("Softmax at several temperatures")
        axis.legend()
    return Drawing("softmax", "Softmax", "Low temperatures sharpen, high ones soften.", figure)
