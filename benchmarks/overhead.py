"""How much longer a forward pass takes when it is measured. Writes docs/performance.md.

python benchmarks/overhead.py [--pairs 9] [--threads 1] [--only MLP decoder] [--output FILE]

Plain and measured passes alternate on two copies of a network, each pair on a fresh input; the
result is the median of the ratios and the middle half of them. Processor time of one thread hardly
depends on what else the machine does; wall time on several threads is what a user waits for.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that the file runs as a script, from anywhere

from actdiag.load import load_model  # noqa: E402
from actdiag.stats.site import SiteAccumulator  # noqa: E402
from benchmarks.collectors import (  # noqa: E402
    COLLECTORS,
    Inside,
    actdiag,
    measured_by,
    plain,
    threads,
    timed_inside,
)
from benchmarks.models import SHAPES, Shape  # noqa: E402
from benchmarks.report import page  # noqa: E402

SAMPLES = ("digits_cnn", "deep_mlp")
TINY_CALLS = 2000


@dataclass(frozen=True, slots=True)
class Overhead:
    """Ratios of measured to plain passes of one network under one collector."""

    shape: str
    collector: str
    threads: int
    ratios: tuple[float, ...]
    inside: Inside | None

    @property
    def middle(self) -> tuple[float, float, float]:
        """First quartile, median and third quartile of the ratios."""
        first, median, third = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return first, median, third


def compare(shape: Shape, collector: str, number: int, pairs: int) -> Overhead:
    """Alternate plain and measured passes; one thread by processor time, more by wall time."""
    clock = time.process_time if number == 1 else time.perf_counter
    torch.manual_seed(0)
    model = shape.build().eval()
    generator = torch.Generator().manual_seed(0)
    _, measured = COLLECTORS[collector]
    name = "stock" if collector.endswith("stock") else "native"
    ratios = []
    with (
        torch.no_grad(),
        threads(number),
        measured_by(name),
        plain(copy.deepcopy(model)) as alone,
        measured(model) as watched,
    ):
        for _ in range(2):  # allocators, caches and first sight
            batch = shape.make(generator)
            alone(batch, shape.samples)
            watched(batch, shape.samples)
        for _ in range(pairs):
            batch = shape.make(generator)
            start = clock()
            alone(batch, shape.samples)
            between = clock()
            watched(batch, shape.samples)
            ratios.append((clock() - between) / (between - start))
        inside = None
        if measured is actdiag:
            with timed_inside() as inside:
                watched(shape.make(generator), shape.samples)
    return Overhead(shape.name, collector, number, tuple(ratios), inside)


def tiny(name: str) -> float:
    """Microseconds of one call on a tensor of ten values, all Python included."""
    with measured_by(name), threads(1):
        site, tensor = SiteAccumulator(10), torch.randn(1, 10)
        durations = []
        for _ in range(9):
            start = time.process_time()
            for _ in range(TINY_CALLS // 9):
                site.update(tensor, unit_axis=1, sample_axis=0, samples=1)
            durations.append((time.process_time() - start) / (TINY_CALLS // 9))
    return 1e6 * statistics.median(durations)


def sample_shapes() -> list[Shape]:
    """Two of the trained sample models, on rows of their own data drawn anew for each pass."""
    with np.load(ROOT / "sample_models" / "data" / "digits.npz") as arrays:
        rows = torch.from_numpy(arrays[arrays.files[0]]).float()
    return [_sample(name, rows) for name in SAMPLES]


def _sample(name: str, rows: torch.Tensor) -> Shape:
    module = load_model(str(ROOT / "sample_models" / "models" / f"{name}.pt")).module
    if module is None:
        raise RuntimeError(f"{name} cannot be run")

    def make(generator: torch.Generator) -> torch.Tensor:
        return rows[torch.randint(len(rows), (256,), generator=generator)]

    return Shape(f"sample {name}", lambda: copy.deepcopy(module), make, 256)


def scaling(name: str) -> list[tuple[int, float, float, float]]:
    """Samples, microseconds per sample, and peak MB after the first batch and at the end.

    Each in a process of its own. The peak is the kernel's VmHWM: ``ru_maxrss`` outlives exec, so
    that every child would report its parent's peak.
    """
    code = (
        "import sys, time, torch; sys.path.insert(0, 'benchmarks')\n"
        "from collectors import actdiag\n"
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
    for many in (1000, 10_000, 100_000, 1_000_000):
        done = subprocess.run(
            [sys.executable, "-c", code, str(many)],
            env={**os.environ, "ACTDIAG_BACKEND": name},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        per_sample, first, last = map(float, done.stdout.split())
        rows.append((many, per_sample, first, last))
    return rows


def commit() -> str:
    """What is measured, ``-dirty`` where the tree holds changes that no commit has."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Measure what was asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--commit", help="what is measured, where it lies outside of git")
    parser.add_argument("--only", nargs="+", metavar="SHAPE")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    asked = parser.parse_args()
    shapes = [*SHAPES, *sample_shapes()]
    chosen = [shape for shape in shapes if not asked.only or shape.name in asked.only]
    load = [os.getloadavg()[0]]
    found = []
    for number in asked.threads:
        for shape in chosen:
            for collector in COLLECTORS:
                result = compare(shape, collector, number, asked.pairs)
                found.append(result)
                print(shape.name, collector, number, *result.middle, file=sys.stderr, flush=True)
        load.append(os.getloadavg()[0])
    with measured_by("native") as detail:
        pass
    fixed = {name: tiny(name) for name in ("native", "stock")}
    grown = {name: scaling(name) for name in ("native", "stock")}
    asked.output.parent.mkdir(exist_ok=True)
    asked.output.write_text(
        page(found, fixed, grown, load, detail, asked.commit or commit()), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
