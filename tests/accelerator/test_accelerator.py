"""What holds on a device other than the CPU: exact numbers, no waiting, few kernels.

The device is a simulated one: it computes here, and writes down what a real one would cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELD = 1 << 14  # bytes that may wait in the driver's test of that
# Kernels of a measured pass beside its own, per site: a copy of what came out, and its rows.
COPIES, LATER = 4, 16


@cache
def driver(*topic):
    """What the driver found out, in a process whose devices are not those of the others."""
    environment = {**os.environ, "ACTDIAG_BACKEND": "stock", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.accelerator.driver", *topic],
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
    assert [waits for _, waits in later] == [{}] * len(later)


@pytest.mark.parametrize("name", ["residual", "MLP", "LSTM"])
def test_measuring_takes_few_kernels(name):
    found = driver("passes")[name]
    first, *later = (kernels - found["plain"] for kernels, _ in found["measured"])
    assert max(later) <= COPIES * found["sites"] + LATER
    assert 0 < min(later) <= max(later) <= first


def test_what_waits_on_the_device_is_bounded_and_measured_as_it_was():
    held, records = driver("waiting")
    assert max(held) <= HELD
    assert len(set(held)) > 10
    assert records == [[19.5, 40 * 4 * 8 * 9, 39.0]] * 3


@pytest.mark.parametrize(
    ("name", "code"),
    [("digits_cnn", None), ("dead_relu", "ACT101"), ("saturated_tanh", "ACT103")],
)
def test_reports_are_those_of_the_cpu(name, code):
    found = driver("reports", "digits_cnn", "dead_relu", "saturated_tanh")[name]
    assert found["unlike"] == []
    assert code is None or code in found["codes"]
