"""Runs in the peers' environment: what one peer delivers and what it costs, as lines of JSON.

python -m benchmarks.peers.worker PEER PAIRS THREADS SHAPE...
"""

from __future__ import annotations

import contextlib
import copy
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.models import SHAPES, Shape
from benchmarks.peers.adapters import ADAPTERS, release
from benchmarks.peers.checking import check
from benchmarks.real import real_shapes
from benchmarks.timing import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


def watching(name: str, model: nn.Module) -> Any:
    """What runs a batch, and what tells of it, for :func:`check`."""
    adapter = ADAPTERS[name](model)
    return adapter.run, adapter.told


def lines(name: str, pairs: int, threads: int, shapes: list[Shape]) -> Iterator[dict[str, Any]]:
    """First what the peer delivers, then a line for each network."""
    delivered = check(lambda model: watching(name, model))
    yield {"release": release(name), "delivered": delivered.to_json()}
    torch.set_num_threads(threads)
    for shape in shapes:
        torch.manual_seed(0)
        model = shape.build().eval()
        try:
            with torch.no_grad():
                adapter = ADAPTERS[name](copy.deepcopy(model))
                timed = in_turn(shape, model, adapter.run, threads, pairs)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is told
            yield {"shape": shape.name, "failed": f"{type(error).__name__}: {error}"[:200]}
        else:
            yield {"shape": shape.name, "timed": asdict(timed)}


def main() -> None:
    """Print what :func:`lines` gives; what a peer prints goes to stderr."""
    name, pairs, threads, *names = sys.argv[1:]
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        shapes = [shape for shape in (*SHAPES, *real_shapes()) if shape.name in names]
        for line in lines(name, int(pairs), int(threads), shapes):
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
