"""The page of results as Markdown."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.growth import Grown
    from benchmarks.overhead import Overhead
    from benchmarks.peers.measuring import Found

CONTROL = "hooks that do nothing"
HEAD = """# What measuring costs

Made by `python benchmarks/overhead.py`; do not edit. A ratio of 1.10 means that a forward pass
takes 10 % longer when everything that a scan measures is measured. Each is the median of
interleaved pairs of a plain and a measured pass, in brackets the middle half of them. On one
thread it is processor time; on more it is wall time, where the native backend uses torch's threads
for large tensors and stock operations one. Wall time needs an idle machine: on a loaded one the
control, which costs nothing, scattered from 0.73 to 2.08. The data are the first few batches, whose
quantiles, rows and attention are looked at more closely than those of later ones.
Peak memory grows in steps and then stays.
The encoder is measured with the same operations in both passes. "Encoder, fused" is plain PyTorch:
in `nn.TransformerEncoderLayer` it takes a path in one piece as long as nobody looks inside, and
the first hook, even one that does nothing, makes it leave that path.
O-Net and XFeat are trained networks out of public wheels, on their own data. The other collectors
are those of other libraries, each in its own way of use, in an environment of their own.
All of it is of the CPU: what an accelerator is asked for is counted on a simulated one, by
tests/accelerator; no time was measured on a real one.
"""
MEMORY = """How far memory rises during one pass above where it stood, less the same of a plain
pass; what a collector keeps from pass to pass is not in it.
"""
DELIVERS = """Found out on a network of two layers with seven dead units each, one ReLU a module and
one a function, over two unlike batches: which numbers agree with numpy in float64 to 1 %, whether
there is one for each unit, whether the dead units can be told, whether the function is seen, and
whether the numbers are of all batches (else of the last one).
"""


@dataclass(frozen=True)
class Results:
    """Everything that was measured.

    Attributes:
        found: what each collector costs on each network.
        peers: what each collector delivers, or why it could not be measured.
        fixed: by backend, microseconds of one call on a tensor of ten values.
        samples: by backend, samples, microseconds of each, and peaks in MB.
        layers: networks of more and more layers.
        widths: networks of wider and wider layers.
        load: load averages before and after each table.
        detail: what the native backend says of itself.
        commit: what was measured.
    """

    found: Sequence[Overhead]
    peers: dict[str, Found]
    fixed: dict[str, float]
    samples: dict[str, list[tuple[int, float, float, float]]]
    layers: Sequence[Grown]
    widths: Sequence[Grown]
    load: Sequence[float]
    detail: str
    commit: str


def page(results: Results) -> str:
    """Everything that was measured, and how far it can be trusted."""
    found, load = results.found, results.load
    loads = ", ".join(f"{value:.1f}" for value in load)
    parts = [
        HEAD,
        f"Commit {results.commit}. Machine: {platform.machine()}, {os.cpu_count()} processors, "
        f"torch {torch.__version__}, backend {results.detail}. Load average before and after each "
        f"table: {loads}" + (", so other programs ran too.\n" if max(load) > 1 else ".\n"),
    ]
    for number in sorted({row.threads for row in found}):
        rows = [row for row in found if row.threads == number]
        clock = "processor time" if number == 1 else "wall time"
        parts.append(f"## Ratio to the plain pass, {number} thread{'s' * (number > 1)}, {clock}\n")
        parts.append(_control(rows))
        parts.append(_table(rows, lambda row: "{1:.2f} ({0:.2f}–{2:.2f})".format(*row.middle)))
    first = [row for row in found if row.threads == found[0].threads]
    parts.append("## Peak memory of one pass above that of the plain pass, MB\n")
    parts.append(MEMORY)
    parts.append(_table(first, _memory))
    parts.append("## What each delivers\n")
    parts.append(DELIVERS)
    parts += delivered(results.peers)
    parts.append("\n## Nanoseconds per value inside the accumulators, one thread\n")
    parts.append(_table([row for row in first if row.inside is not None], _nanoseconds))
    parts.append("## One call on a tensor of ten values\n")
    parts.append("".join(f"- {name}: {value:.1f} µs\n" for name, value in results.fixed.items()))
    parts.append("## More samples: a small network, batches of 1000\n")
    parts.append("| backend | samples | µs per sample with forward | peak MB, first batch | end |")
    parts.append("|---|---|---|---|---|")
    for name, sizes in results.samples.items():
        for many, each, start, last in sizes:
            parts.append(f"| {name} | {many:,} | {each:.2f} | {start:.1f} | {last:.1f} |")
    parts.append("\n## More layers: linear with ReLU, 256 units, batches of 256\n")
    parts += _grown(results.layers, "layers", per=1)
    parts.append("\n## Wider layers: four, linear with ReLU, batches of 256\n")
    parts += _grown(results.widths, "units", per=128)
    return "\n".join(parts) + "\n"


def delivered(peers: dict[str, Found]) -> list[str]:
    """The table of what was checked against numpy, line by line."""
    lines = [
        "| collector | version | agrees with numpy | per unit | dead units | functions | all |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, peer in peers.items():
        told = peer.delivered
        if told is None:
            lines.append(f"| {name} | not measured: {peer.failed.get('', 'it failed')} | | | | | |")
            continue
        agrees = ", ".join(told.right) or "nothing"
        agrees += f"; not {', '.join(told.wrong)}" if told.wrong else ""
        marks = (told.per_unit, told.dead, told.functional, told.all_batches)
        yes = " | ".join("yes" if mark else "no" for mark in marks)
        lines.append(f"| {name} | {peer.release} | {agrees} | {yes} |")
    failed = [
        f"- {name} on {shape}: {why}"
        for name, peer in peers.items()
        for shape, why in peer.failed.items()
        if shape
    ]
    return [*lines, *(["", "Could not be measured:", "", *failed] if failed else [])]


def _grown(rows: Sequence[Grown], what: str, *, per: int) -> list[str]:
    """A table whose last columns should stay as they are where cost grows in proportion."""
    each = "each" if per == 1 else f"per {per}"
    lines = [f"| backend | {what} | plain, ms | extra, ms | extra µs {each} | extra peak MB |"]
    lines.append("|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: row.backend):
        share = 1e3 * row.extra_ms * per / row.size
        memory = "–" if row.extra_mb is None else f"{row.extra_mb:.1f}"
        lines.append(
            f"| {row.backend} | {row.size:,} | {row.plain_ms:.2f} | {row.extra_ms:.2f} | "
            f"{share:.0f} | {memory} |"
        )
    return lines


def _memory(row: Overhead) -> str:
    return "–" if row.timed.extra_mb is None else f"{row.timed.extra_mb:.1f}"


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
