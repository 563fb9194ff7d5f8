"""``actdiag check`` over a folder of malicious files runs nothing and passes none."""

from __future__ import annotations

import json
import shutil
import warnings

import pytest
from typer.testing import CliRunner

from actdiag.cli import app
from tests.hostile.corpus import corpus

ROOMS = ("sample_models/models/digits_mlp.pt", "sample_models/data/digits.npz")


@pytest.fixture
def folder(tmp_path):
    """Every malicious file of the corpus in one folder, and the canary that they would touch."""
    place, canary = tmp_path / "models", tmp_path / "canary"
    place.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, file in corpus(canary).items():
            file.write(place / f"{name.replace('/', '-')}.pt", canary)
    assert not canary.exists()
    return place


def checked(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_nothing_runs_and_nothing_passes(folder, tmp_path):
    data = ROOMS[1]
    shutil.copy(ROOMS[0], folder / "zz_fine.pt")
    done = checked(folder, "--data", data, "--format", "json", "--steps", "none")
    reports = json.loads(done.stdout)["reports"]
    verdicts = {each["model"]["path"].rpartition("/")[2]: each["verdict"] for each in reports}

    assert done.exit_code == 4
    assert not (tmp_path / "canary").exists()
    assert verdicts.pop("zz_fine.pt") == "healthy"
    assert set(verdicts.values()) == {"not-checked"}
    assert len(verdicts) == len(corpus(tmp_path / "canary"))


def test_nothing_runs_in_processes_of_their_own(folder, tmp_path):
    wanted = [folder / "os.system-zip.pt", folder / "global-legacy-1.pt"]
    done = checked(*wanted, "--jobs", "2")

    assert done.exit_code == 4
    assert done.stdout.count("REFUSED") == 2
    assert not (tmp_path / "canary").exists()
