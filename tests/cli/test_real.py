"""The command line on real models, through every room."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import torch

from actdiag.render import names

SAMPLES = Path(__file__).parents[2] / "sample_models"
SICK = (str(SAMPLES / "models/constant_output.pt"), str(SAMPLES / "data/digits.npz"))


class Home:
    """Pickled by name, so that loading it would import this module."""


def test_a_sick_model_is_told_with_its_verdict_first(run):
    done = run("scan", *SICK)

    assert done.exit_code == 0
    assert done.stdout.startswith("✗ ")
    assert "MODEL OUTPUTS ALL THE SAME VALUE" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("name", names())
def test_a_saved_scan_tells_the_same_again(run, name):
    first = run("scan", *SICK, "--format", name, "--report", "json=scan.json")
    factory = f"{tmp_path}/net.py:build"
    again = run("scan", str(tmp_path / "weights.pt"), SICK[1], "--model", factory)
    assert "the model was not run" in " ".join(done.stdout.split())
    assert again.exit_code == 0
    assert "dead-relu" in again.stdout
