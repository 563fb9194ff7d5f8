"""Peak memory: at most 1.2 times the weights, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

MEASURE = """
import resource, sys
from actdiag.load import load_model
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
load_model(sys.argv[3], factory=sys.argv[2], factory_args={"width": 8})
before = peak()
module = load_model(sys.argv[1], factory=sys.argv[2]).module
total = sum(float(parameter.sum()) for parameter in module.parameters())
print((peak() - before) / sum(p.numel() * p.element_size() for p in module.parameters()))
"""
FACTORY = """
from torch import nn
def build(width=4096):
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(4)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zip", "safetensors"])
def test_a_big_file_takes_little_more_than_its_weights(tmp_path, kind):
    from safetensors.torch import save_file

    (tmp_path / "big.py").write_text(FACTORY)
    scope: dict = {}
    exec(FACTORY, scope)
    for name, width in (("big.pt", 4096), ("small.pt", 8)):
        state = scope["build"](width).state_dict()
        (save_file if kind == "safetensors" else torch.save)(state, tmp_path / name)
    arguments = [str(tmp_path / name) for name in ("big.pt", "big.py", "small.pt")]
    arguments[1] += ":build"
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert float(done.stdout) <= 1.2
