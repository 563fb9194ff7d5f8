"""Plain and watched passes in turn: the ratio of their times, and the memory that each takes."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from benchmarks.models import Shape

    Run = Callable[[Tensor, int], object]

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK_ONLY = "5"  # see proc(5)


@dataclass(frozen=True, slots=True)
class Timed:
    """Ratios of watched to plain passes, their times in seconds, and their peaks in MB."""

    ratios: tuple[float, ...]
    plain_s: float
    watched_s: float
    plain_mb: float | None
    watched_mb: float | None

    @property
    def extra_mb(self) -> float | None:
        """How much higher memory rises in a watched pass; null where that is not known."""
        if self.plain_mb is None or self.watched_mb is None:
            return None
        return max(self.watched_mb - self.plain_mb, 0.0)


def in_turn(shape: Shape, model: nn.Module, watched: Run, number: int, pairs: int) -> Timed:
    """Alternate plain and watched passes, each pair on a fresh input.

    One thread is measured by processor time, more by wall time. ``model`` is run plainly, and
    ``watched`` runs a copy of it.
    """
    clock = time.process_time if number == 1 else time.perf_counter
    generator = torch.Generator().manual_seed(0)

    def plainly(batch: Tensor, _samples: int) -> object:
        return model(batch)

    for _ in range(2):  # allocators, caches and first sight
        batch = shape.make(generator)
        plainly(batch, shape.samples)
        watched(batch, shape.samples)
    plain_mb, watched_mb = (peak(run, shape, generator) for run in (plainly, watched))
    plain, measured = [], []
    for _ in range(pairs):
        batch = shape.make(generator)
        start = clock()
        plainly(batch, shape.samples)
        between = clock()
        watched(batch, shape.samples)
        plain.append(between - start)
        measured.append(clock() - between)
    ratios = tuple(one / other for one, other in zip(measured, plain, strict=True))
    times = statistics.median(plain), statistics.median(measured)
    return Timed(ratios, *times, plain_mb, watched_mb)


def peak(run: Run, shape: Shape, generator: torch.Generator) -> float | None:
    """How far memory rises above where it stood during one pass, in MB; null off Linux."""
    batch = shape.make(generator)
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    try:
        _CLEAR.write_text(_PEAK_ONLY, encoding="ascii")
        before = _field("VmRSS")
        run(batch, shape.samples)
        return max(_field("VmHWM") - before, 0.0)
    except OSError:
        return None


def _field(name: str) -> float:
    status = _STATUS.read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024
