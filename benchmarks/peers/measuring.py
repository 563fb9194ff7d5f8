"""Runs each peer in its own environment, and reads what it found."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.peers.checking import Delivered
from benchmarks.peers.environment import ROOT, installed, python
from benchmarks.timing import Timed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one peer.

    Attributes:
        release: the version that was measured.
        delivered: what it delivers; null where it could not be found out.
        timed: by network, what it costs.
        failed: by network, why it could not be measured; under ``""`` why there is nothing at all.
    """

    release: str = ""
    delivered: Delivered | None = None
    timed: dict[str, Timed] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def measured(name: str, pairs: int, threads: int, shapes: Sequence[str]) -> Found:
    """Install a peer and measure it on the networks of these names."""
    problem = installed(name)
    if problem:
        return Found(failed={"": problem})
    numbers = str(pairs), str(threads)
    command = [str(python()), "-m", "benchmarks.peers.worker", name, *numbers, *shapes]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = read(done.stdout.splitlines())
    if done.returncode and not found.timed:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        return Found(failed={"": last.partition("/")[0]})
    return found


def read(lines: Iterable[str]) -> Found:
    """What a worker printed."""
    release, delivered = "", None
    timed: dict[str, Timed] = {}
    failed: dict[str, str] = {}
    for line in lines:
        entry: dict[str, Any] = json.loads(line)
        if "delivered" in entry:
            release = entry["release"]
            delivered = Delivered.from_json(entry["delivered"])
        elif "failed" in entry:
            failed[entry["shape"]] = entry["failed"]
        else:
            values = entry["timed"]
            timed[entry["shape"]] = Timed(**{**values, "ratios": tuple(values["ratios"])})
    return Found(release, delivered, timed, failed)
