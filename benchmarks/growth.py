"""What measuring costs as networks grow: in samples, in layers and in width."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.collectors import actdiag, measured_by, threads
from benchmarks.models import Shape
from benchmarks.peers.environment import ROOT
from benchmarks.timing import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYERS, WIDTHS = (2, 4, 8, 16, 32), (128, 256, 512, 1024, 2048)
USUAL_LAYERS, USUAL_WIDTH, BATCH = 4, 256, 256
SAMPLES = (1000, 10_000, 100_000, 1_000_000)


class Grown(NamedTuple):
    """One network: what varies, and what measuring it adds to a pass."""

    backend: str
    size: int
    plain_ms: float
    extra_ms: float
    extra_mb: float | None


def layered(layers: int, width: int) -> Shape:
    """Linear layers of one width, each with a ReLU behind it."""

    def build() -> nn.Module:
        pairs = ((nn.Linear(width, width), nn.ReLU()) for _ in range(layers))
        return nn.Sequential(*(layer for pair in pairs for layer in pair))

    def make(generator: torch.Generator) -> Tensor:
        return torch.randn(BATCH, width, generator=generator)

    return Shape(f"{layers} × {width}", build, make, BATCH)


def in_layers(pairs: int) -> list[Grown]:
    """With more layers of 256 units."""
    return list(_grown(((many, layered(many, USUAL_WIDTH)) for many in LAYERS), pairs))


def in_width(pairs: int) -> list[Grown]:
    """With wider layers, four of them."""
    return list(_grown(((width, layered(USUAL_LAYERS, width)) for width in WIDTHS), pairs))


def _grown(shapes: Iterator[tuple[int, Shape]], pairs: int) -> Iterator[Grown]:
    for size, shape in shapes:
        for name in ("native", "stock"):
            torch.manual_seed(0)
            model = shape.build().eval()
            with (
                torch.no_grad(),
                threads(1),
                measured_by(name),
                actdiag(copy.deepcopy(model)) as watched,
            ):
                timed = in_turn(shape, model, watched, 1, pairs)
            extra = 1e3 * (timed.watched_s - timed.plain_s)
            yield Grown(name, size, 1e3 * timed.plain_s, extra, timed.extra_mb)


def in_samples(name: str) -> list[tuple[int, float, float, float]]:
    """Samples, microseconds per sample, and peak MB after the first batch and at the end.

    Each in a process of its own. The peak is the kernel's VmHWM: ``ru_maxrss`` outlives exec, so
    that every child would report its parent's peak.
    """
    code = (
        "import sys, time, torch\n"
        "from benchmarks.collectors import actdiag\n"
        "def peak():\n"
        "    status = open('/proc/self/status').read()\n"
        "    return int(status.partition('VmHWM:')[2].split()[0]) / 1024\n"
        "torch.manual_seed(0); torch.set_num_threads(1); many = int(sys.argv[1])\n"
        "layers = (torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))\n"
        "with torch.no_grad(), actdiag(torch.nn.Sequential(*layers).eval()) as run:\n"
        "    run(torch.randn(1000, 64), 1000); first = peak(); start = time.process_time()\n"
        "    for _ in range(many // 1000): run(torch.randn(1000, 64), 1000)\n"
        "    spent = time.process_time() - start\n"
        "print(spent / many * 1e6, first, peak())\n"
    )
    rows = []
    for many in SAMPLES:
        done = subprocess.run(
            [sys.executable, "-c", code, str(many)],
            env={**os.environ, "ACTDIAG_BACKEND": name, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        per_sample, first, last = map(float, done.stdout.split())
        rows.append((many, per_sample, first, last))
    return rows
