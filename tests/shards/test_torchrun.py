"""Real processes: the report is that of one; who dies, is silent or fails, is told of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shards.test_whole import assert_same

pytestmark = pytest.mark.slow
DATA = str(Path("sample_models/data/digits.npz").absolute())
MODEL = str(Path("sample_models/models/digits_cnn.pt").absolute())
SICK = """
import os, signal, sys, time
import torch
from torch import nn

class Sick(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.last = nn.Linear(64, 16), nn.Linear(16, 10)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3 and os.environ["RANK"] == os.environ["WHO"]:
            {"kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
             "exit": lambda: os._exit(0),
             "hang": lambda: time.sleep(600)}[os.environ["HOW"]]()
        return self.last(self.hidden(x.flatten(1)).relu())

def make():
    return Sick()

def data():
    if os.environ["RANK"] == os.environ["WHO"]:
        raise OSError("the disk is gone")
    return [torch.ones(4, 64)] * 8
"""


@pytest.fixture
def torchrun(tmp_path):
    """Run a scan in several processes in an empty folder; gives what ended."""
    (tmp_path / "sick.py").write_text(SICK)

    def run(size, *arguments, **variables):
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(size)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", **variables}
        return subprocess.run(
            [*command, "-m", "actdiag", "scan", *arguments, "--report", "json=out.json"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_report_is_that_of_one_process(torchrun, tmp_path, size):
    options = (MODEL, DATA, "--batch-size", "200", "--gradients", "--format", "json")
    alone = subprocess.run(
        [sys.executable, "-m", "actdiag", "scan", *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    done = torchrun(size, *options)
    assert done.returncode == 0, done.stderr
    assert_same(json.loads(done.stdout), json.loads(alone.stdout))
    assert_same(json.loads((tmp_path / "out.json").read_text()), json.loads(alone.stdout))


@pytest.mark.parametrize("who", ["0", "1"])
@pytest.mark.parametrize("how", ["kill", "exit"])
def test_a_process_that_dies_leaves_no_report(torchrun, tmp_path, how, who):
    options = ("sick.py:make", DATA, "--batch-size", "20", "--trust", "--patience", "10")
    done = torchrun(2, *options, HOW=how, WHO=who)
    assert done.returncode != 0
    assert done.stdout == ""
    assert not (tmp_path / "out.json").exists()
    if who == "1":
        told = ("ended by torchrun", "broke", "no sign of life")
        assert any(text in done.stderr for text in told), done.stderr


@pytest.mark.parametrize("who", ["0", "1"])
def test_a_process_that_hangs_is_told_of_and_all_end(torchrun, tmp_path, who):
    options = ("sick.py:make", DATA, "--batch-size", "20", "--trust", "--patience", "8")
    done = torchrun(2, *options, HOW="hang", WHO=who)
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"process {int(who) + 1} of 2 gave no sign of life for 8 s" in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_an_error_of_one_process_is_told_with_its_number(torchrun, tmp_path):
    done = torchrun(2, "sick.py:make", "sick.py:data", "--trust", HOW="", WHO="1")
    assert done.returncode != 0
    assert "the disk is gone" in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_an_error_of_all_is_told_once(torchrun):
    done = torchrun(2, "nowhere.pt", DATA)
    assert done.returncode != 0
    assert done.stderr.count("There is no file nowhere.pt") == 1


def test_shards_and_torchrun_exclude_each_other(torchrun):
    done = torchrun(2, MODEL, DATA, "--shard", "1/2")
    assert done.returncode != 0
    assert done.stderr.count("--shard is for separate jobs") == 1
