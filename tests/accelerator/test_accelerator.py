"""What holds on a device other than the CPU: exact numbers, no waiting, few kernels.

A simulated one computes here, and writes down what a real one would cost. Where there is a graphics
card, it is asked too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.utils import backend_registration

ROOT = Path(__file__).parents[2]
HELD = 1 << 14  # bytes that may wait in the driver's test of that
# Kernels of a measured pass beside its own, per site: a copy of what came out, and its rows.
COPIES, LATER = 4, 16


pytestmark = pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this version of torch has no devices made in Python",
)


@cache
def driver(topic, *samples, device="simulated"):
    """What the driver found out, in a process whose devices are not those of the others."""
    environment = {**os.environ, "ACTDIAG_BACKEND": "stock", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.accelerator.driver", device, topic, *samples],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_numbers_are_those_of_numpy():
    assert driver("values") == []


@pytest.mark.parametrize("name", ["residual", "MLP", "encoder", "decoder", "LSTM"])
def test_a_pass_does_not_wait_for_the_device(name):
    _, *later = driver("passes")[name]["measured"]
    assert [one["waits"] for one in later] == [{}] * len(later)


@pytest.mark.parametrize("name", ["residual", "MLP", "LSTM"])
def test_measuring_takes_few_kernels(name):
    found = driver("passes")[name]
    plain = found["plain"]["kernels"]
    first, *later = (one["kernels"] - plain for one in found["measured"])
    assert max(later) <= COPIES * found["sites"] + LATER
    assert 0 < min(later) <= max(later) <= first


def test_what_waits_on_the_device_is_bounded_and_measured_as_it_was():
    held, records = driver("waiting")
    assert max(held) <= HELD
    assert len(set(held)) > 10
    assert records == [[19.5, 40 * 4 * 8 * 9, 39.0]] * 3


def test_where_no_memory_is_left_for_copies_nothing_is_lost():
    calls, *numbers = driver("scarce")
    assert calls > 10
    assert numbers == [19.5, 40 * 4 * 8 * 9, 39.0]


REPORTED = {"digits_cnn": "ACT101", "dead_relu": "ACT101", "saturated_tanh": "ACT103"}


@pytest.mark.parametrize("name", REPORTED)
def test_reports_are_those_of_the_cpu(name):
    found = driver("reports", *REPORTED)[name]
    assert found["unlike"] == []
    assert REPORTED[name] in found["codes"][1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card here")
def test_all_of_it_on_a_graphics_card():
    """Rounding differs there, so that reports are compared by what they find."""
    assert driver("values", device="cuda") == []
    assert driver("passes", device="cuda")  # else torch's own check of waiting has raised
    for found in driver("reports", *REPORTED, device="cuda").values():
        assert found["codes"][0] == found["codes"][1]
