"""How much longer a forward pass takes when it is measured. Writes docs/performance.md.

python benchmarks/overhead.py [--pairs 9] [--threads 1 2] [--only MLP decoder] [--no-peers]
                              [--output FILE]

Plain and measured passes alternate on two copies of a network, each pair on a fresh input; the
result is the median of the ratios and the middle half of them. Processor time of one thread hardly
depends on what else the machine does; wall time on several threads is what a user waits for. The
peers are installed into an environment of their own under .cache, and run there.
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
from benchmarks import growth  # noqa: E402
from benchmarks.collectors import (  # noqa: E402
    COLLECTORS,
    Inside,
    actdiag,
    measured_by,
    threads,
    timed_inside,
    watching,
)
from benchmarks.models import SHAPES, Shape  # noqa: E402
from benchmarks.peers import PEERS  # noqa: E402
from benchmarks.peers.checking import check  # noqa: E402
from benchmarks.peers.measuring import Found, measured  # noqa: E402
from benchmarks.real import real_shapes  # noqa: E402
from benchmarks.report import Results, page  # noqa: E402
from benchmarks.timing import Timed, in_turn  # noqa: E402

SAMPLES = ("digits_cnn", "deep_mlp")
TINY_CALLS = 2000


@dataclass(frozen=True, slots=True)
class Overhead:
    """What one collector costs on one network."""

    shape: str
    collector: str
    threads: int
    timed: Timed
    inside: Inside | None = None

    @property
    def middle(self) -> tuple[float, float, float]:
        """First quartile, median and third quartile of the ratios."""
        first, median, third = statistics.quantiles(self.timed.ratios, n=4, method="inclusive")
        return first, median, third


def compare(shape: Shape, collector: str, number: int, pairs: int) -> Overhead:
    """Alternate plain and measured passes; one thread by processor time, more by wall time."""
    torch.manual_seed(0)
    model = shape.build().eval()
    watch = COLLECTORS[collector]
    name = "stock" if collector.endswith("stock") else "native"
    with (
        torch.no_grad(),
        threads(number),
        measured_by(name),
        watch(copy.deepcopy(model)) as watched,
    ):
        timed = in_turn(shape, model, watched, number, pairs)
        inside = None
        if watch is actdiag:
            with timed_inside() as inside:
                watched(shape.make(torch.Generator().manual_seed(1)), shape.samples)
    return Overhead(shape.name, collector, number, timed, inside)


def peers(asked: argparse.Namespace, shapes: list[Shape]) -> dict[str, Found]:
    """What each peer delivers and costs, and what actdiag delivers."""
    found = {"actdiag": Found(delivered=check(watching))}
    names = [shape.name for shape in shapes if not shape.name.startswith("sample")]
    for name in PEERS if asked.peers else ():
        print(name, file=sys.stderr, flush=True)
        found[name] = measured(name, asked.pairs, 1, names)
    return found


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


def commit() -> str:
    """What is measured, ``-dirty`` where the tree holds changes that no commit has."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Measure what was asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--commit", help="what is measured, where it lies outside of git")
    parser.add_argument("--only", nargs="+", metavar="SHAPE")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    shapes = [*SHAPES, *real_shapes(), *sample_shapes()]
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
    others = peers(asked, chosen)
    load.append(os.getloadavg()[0])
    for name, peer in others.items():
        found += [Overhead(shape, name, 1, timed) for shape, timed in peer.timed.items()]
    with measured_by("native") as detail:
        pass
    results = Results(
        found=found,
        peers=others,
        fixed={name: tiny(name) for name in ("native", "stock")},
        samples={name: growth.in_samples(name) for name in ("native", "stock")},
        layers=growth.in_layers(asked.pairs),
        widths=growth.in_width(asked.pairs),
        load=load,
        detail=detail,
        commit=asked.commit or commit(),
    )
    asked.output.parent.mkdir(exist_ok=True)
    asked.output.write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
