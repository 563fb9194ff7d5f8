"""Ctrl-C, as a terminal sends it, gives what was found so far."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time

import pytest

from actdiag.cli._stopping import stoppable
from actdiag.errors import Stopped

# Says when a batch is under way, and takes its time until it is told to go on.
NET = """
import pathlib, time, torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.head = nn.Linear(8, 16), nn.Linear(16, 3)
        self.calls = 0

    def forward(self, x):
        if len(x) == 100:
            self.calls += 1
            if self.calls == 3:
                pathlib.Path("under-way").touch()
                while not pathlib.Path("go-on").exists():
                    time.sleep(0.01)
        return self.head(torch.relu(self.hidden(x)))
"""
BUILD = """
import numpy
x = numpy.random.default_rng(0).normal(size=(1000, 8))
numpy.savez("x.npz", x=x, y=x[:, :3].argmax(1))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    subprocess.run([sys.executable, "-c", BUILD], cwd=tmp_path, check=True)
    return tmp_path


class Terminal:
    """A process on a terminal of its own, its stdout apart."""

    def __init__(self, folder, command):
        self.folder, self.shown = folder, b""
        self.leader, follower = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=follower, stderr=follower, stdout=subprocess.PIPE
        )
        os.close(follower)
        self.reader = threading.Thread(target=self.read)  # or the terminal is full, and it waits
        self.reader.start()

    def read(self):
        with contextlib.suppress(OSError):  # Linux says so when the other end is closed
            while piece := os.read(self.leader, 65536):
                self.shown += piece

    def wait_for(self, name):
        """Until the model has made that file."""
        while not (self.folder / name).exists():
            assert self.process.poll() is None, self.shown
            time.sleep(0.01)

    def interrupt(self):
        os.kill(self.process.pid, signal.SIGINT)

    def end(self):
        """What it wrote to stdout and to the terminal, and its exit code."""
        try:
            out, _ = self.process.communicate(timeout=60)
        finally:
            self.process.kill()
            self.reader.join()
            os.close(self.leader)
        return out.decode(), self.shown.decode(), self.process.returncode


@pytest.fixture
def started(folder, command):
    def start(*arguments):
        return Terminal(folder, [*command, *arguments])

    return start


def test_a_scan_tells_of_the_batches_seen(started, folder):
    asked = ["--batch-size", "100", "--steps", "none", "--format", "json"]
    scan = started("scan", "net.py:Net", "x.npz", *asked, "--report", "markdown=scan.md")
    scan.wait_for("under-way")
    scan.interrupt()
    time.sleep(0.1)
    (folder / "go-on").touch()
    out, shown, code = scan.end()
    report = json.loads(out)

    assert code == 130
    assert report["data"]["samples"] == 300  # the batch that was under way is whole
    assert {site["elements"] for site in report["sites"] if site["name"] == "relu"} == {300 * 16}
    assert report["coverage"]["interrupted"] is True
    assert report["coverage"]["note"] == "Interrupted after 300 of 1,000 samples."
    assert report["verdict"] != "healthy"
    assert "interrupted: this is what was found" in (folder / "scan.md").read_text()
    assert "actdiag: stopping after this batch; Ctrl-C again stops at once" in shown
    assert "actdiag: interrupted: the report tells what was found so far" in shown
    assert "Traceback" not in shown


@pytest.mark.slow  # a process of its own, which imports torch
def test_a_second_time_stops_at_once(started):
    scan = started("scan", "net.py:Net", "x.npz", "--batch-size", "100", "--format", "json")
    scan.wait_for("under-way")
    scan.interrupt()
    time.sleep(0.2)
    scan.interrupt()
    out, shown, code = scan.end()

    assert (out, code) == ("", 130)
    assert "actdiag: interrupted, nothing was written" in shown
    assert "Traceback" not in shown


@pytest.mark.slow  # a process of its own, which imports torch
def test_check_tells_of_the_models_that_are_done(started, folder):
    (folder / "quick.py").write_text(NET.replace("len(x) == 100", "False"))
    asked = ["--data", "x.npz", "--batch-size", "100", "--steps", "none"]
    check = started("check", "quick.py:Net", "net.py:Net", *asked, "--report", "json=scans.json")
    check.wait_for("under-way")
    check.interrupt()
    out, shown, code = check.end()

    assert code == 130
    assert out.startswith("✓ ok quick.py:Net")
    assert "net.py:Net" not in out.replace("quick.py:Net", "")
    assert "actdiag: interrupted after 1 of 2 models" in shown
    assert json.loads((folder / "scans.json").read_text())["model"]["path"] == "quick.py:Net"


@pytest.mark.slow  # a process of its own, which imports torch
def test_try_tells_of_the_remedies_that_are_done(started, folder):
    (folder / "net.py").write_text(
        NET.replace("len(x) == 100", "self.training").replace("3:", "1:")
    )
    asked = ["--remedy", "temperature", "--remedy", "lower-lr", "--steps", "3", "--format", "json"]
    trial = started("try", "net.py:Net", "x.npz", *asked)
    trial.wait_for("under-way")
    trial.interrupt()
    (folder / "go-on").touch()
    out, shown, code = trial.end()
    told = json.loads(out)

    assert code == 130
    assert [each["remedy"] for each in told["trials"]] == ["temperature"]
    assert "Interrupted: not tried: lower-lr." in told["notes"]
    assert "actdiag: interrupted: only what was tried until then is told" in shown
    assert "Traceback" not in shown


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def nothing(*_):
    pass


@pytest.mark.parametrize("state", [(1, 10, "training"), (10, 10, "measuring")])
def test_where_no_batch_is_measured_it_stops_at_once(state):
    with stoppable(nothing) as progress:
        progress(*state)
        with pytest.raises(Stopped):
            ctrl_c()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_within_a_batch_it_stops_after_it():
    with stoppable(nothing) as progress:
        progress(0, 10, "measuring")
        ctrl_c()
        with pytest.raises(Stopped):
            progress(1, 10, "measuring")


def test_the_second_time_it_stops_within_a_batch():
    with stoppable(nothing) as progress:
        progress(0, 10, "measuring")
        ctrl_c()
        with pytest.raises(KeyboardInterrupt) as raised:
            ctrl_c()
    assert raised.type is KeyboardInterrupt
