"""The reliability diagram: how often the model is right, by how sure it says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actdiag.render._plots.canvas import Drawing, Palette, styled

if TYPE_CHECKING:
    from actdiag.records import Report

_CAPTION = (
    "Each bar holds the answers of one span of confidence: its height is the share that was "
    "right. On the dashed line a model is as often right as it says; a bar that ends below it is "
    "too sure, by the pale part. The lower bars count the answers."
)


def draw(report: Report, palette: Palette) -> Drawing | None:
    """Draw the diagram; null without labelled answers of a classifier."""
    output = report.scan.output
    bins = [each for each in (output.reliability if output else ()) if each.samples]
    if not bins:
        return None
    with styled(palette):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.4, 5.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        middles = [(each.low + each.high) / 2 for each in bins]
        widths = [0.92 * (each.high - each.low) for each in bins]
        right = [each.accuracy or 0.0 for each in bins]
        sure = [each.confidence or 0.0 for each in bins]
        upper.bar(middles, right, widths, color=palette.first, label="answers that are right")
        gaps = [max(0.0, said - was) for said, was in zip(sure, right, strict=True)]
        upper.bar(
            middles,
            gaps,
            widths,
            right,
            color=palette.bad,
            alpha=0.3,
            label="claimed beyond that",
        )
        upper.plot([0, 1], [0, 1], "--", color=palette.muted, linewidth=1, label="as sure as right")
        upper.set_xlim(0, 1)
        upper.set_ylim(0, 1.02)
        upper.set_ylabel("accuracy")
        upper.legend(loc="upper left")
        lower.bar(middles, [each.samples for each in bins], widths, color=palette.muted)
        lower.set_ylabel("answers")
        lower.set_xlabel("confidence")
        for axis in (upper, lower):
            axis.grid(visible=True, axis="y", linewidth=0.6)
            axis.set_axisbelow(True)
    return Drawing("reliability", "Reliability", _CAPTION, figure)
