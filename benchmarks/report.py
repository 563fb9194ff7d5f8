"""The page of results as Markdown."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.overhead import Overhead

CONTROL = "hooks that do nothing"
HEAD = """# What measuring costs

Made by `python benchmarks/overhead.py`; do not edit. A ratio of 1.10 means that a forward pass
takes 10 % longer when everything that a scan measures is measured. Each is the median of
interleaved pairs of a plain and a measured pass, in brackets the middle half of them. On one
thread it is processor time; on more (`--threads`) it is wall time, while the statistics themselves
use one thread. Wall time needs an idle machine: on a loaded one the control, which costs nothing,
scattered from 0.73 to 2.08, so no such table is kept. Peak memory grows in steps and then stays.
"""


def page(
    found: Sequence[Overhead],
    fixed: dict[str, float],
    grown: dict[str, list[tuple[int, float, float, float]]],
    load: Sequence[float],
    detail: str,
    commit: str,
) -> str:
    """Everything that was measured, and how far it can be trusted."""
    loads = ", ".join(f"{value:.1f}" for value in load)
    parts = [
        HEAD,
        f"Commit {commit}. Machine: {platform.machine()}, {os.cpu_count()} processors, "
        f"torch {torch.__version__}, backend {detail}. Load average before and after each table: "
        f"{loads}" + (", so other programs ran too.\n" if max(load) > 1 else ".\n"),
    ]
    for number in sorted({row.threads for row in found}):
        rows = [row for row in found if row.threads == number]
        clock = "processor time" if number == 1 else "wall time"
        parts.append(f"## Ratio to the plain pass, {number} thread{'s' * (number > 1)}, {clock}\n")
        parts.append(_control(rows))
        parts.append(_table(rows, lambda row: "{1:.2f} ({0:.2f}–{2:.2f})".format(*row.middle)))
    parts.append("## Nanoseconds per value inside the accumulators, one thread\n")
    inside = [row for row in found if row.inside is not None and row.threads == found[0].threads]
    parts.append(_table(inside, _nanoseconds))
    parts.append("## One call on a tensor of ten values\n")
    parts.append("".join(f"- {name}: {value:.1f} µs\n" for name, value in fixed.items()))
    parts.append("## More samples: a small network, batches of 1000\n")
    parts.append("| backend | samples | µs per sample with forward | peak MB, first batch | end |")
    parts.append("|---|---|---|---|---|")
    for name, sizes in grown.items():
        for many, each, first, last in sizes:
            parts.append(f"| {name} | {many:,} | {each:.2f} | {first:.1f} | {last:.1f} |")
    return "\n".join(parts) + "\n"


def _control(rows: Sequence[Overhead]) -> str:
    """How far from 1 the collector is that costs nothing: no smaller difference means anything."""
    control = [row.middle[1] for row in rows if row.collector == CONTROL]
    return (
        f"The control, {CONTROL}, should be 1.00 and came out between {min(control):.2f} and "
        f"{max(control):.2f}: differences of that size are noise.\n"
    )


def _nanoseconds(row: Overhead) -> str:
    inside = row.inside
    if inside is None or not inside.values:
        return "–"
    return f"{1e9 * inside.seconds / inside.values:.2f} ({inside.calls} calls)"


def _table(rows: Sequence[Overhead], cell: Callable[[Overhead], str]) -> str:
    shapes = list(dict.fromkeys(row.shape for row in rows))
    lines = ["| collector | " + " | ".join(shapes) + " |", "|---" * (len(shapes) + 1) + "|"]
    for collector in dict.fromkeys(row.collector for row in rows):
        cells = {row.shape: cell(row) for row in rows if row.collector == collector}
        shown = " | ".join(cells.get(shape, "–") for shape in shapes)
        lines.append(f"| {collector} | {shown} |")
    return "\n".join(lines) + "\n"
