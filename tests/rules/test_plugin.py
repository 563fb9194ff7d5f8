"""A package of its own adds a rule by the entry-point group ``actdiag.rules``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actdiag.records import Report
from actdiag.render import json as json_format
from tests.rules.build import act, data_in, linear, scan

PACKAGE = Path(__file__).resolve().parent.parent / "plugin"


@pytest.fixture(scope="module")
def actdiag(tmp_path_factory):
    """Install the package into a folder of its own; run the command line with it."""
    here = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PACKAGE, here / "source")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    install += ["--no-build-isolation", "--disable-pip-version-check", "--target"]
    subprocess.run([*install, here / "installed", here / "source"], check=True)

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(here / "installed"), "COLUMNS": "80"}
        command = [sys.executable, "-m", "actdiag", *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=here, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def quiet(tmp_path):
    """A saved scan with a layer that the rule is about."""
    of = scan(data_in(), linear("0", "input", rms=0.005), act("1", "0"))
    path = tmp_path / "scan.json"
    path.write_text(json_format.render(Report(of)), encoding="utf-8")
    return path


def codes(done):
    return [finding["code"] for finding in json.loads(done.stdout)["findings"]]


def test_it_is_listed_and_explained(actdiag):
    assert "WSP901  whisper" in actdiag("rules").stdout
    assert actdiag("explain", "whisper").stdout.startswith("WSP901 whisper: Layers whose values")


def test_it_judges(actdiag, quiet):
    done = actdiag("report", quiet, "--select", "WSP", "--format", "json")
    assert codes(done) == ["WSP901"]


def test_its_thresholds_are_set_like_any_others(actdiag, quiet, tmp_path):
    settings = tmp_path / "actdiag.toml"
    settings.write_text("[rules.WSP901]\nrms = 0.001\n")
    done = actdiag("report", quiet, "--select", "WSP", "--format", "json", "--config", settings)
    assert codes(done) == []
    settings.write_text("[rules.WSP901]\nloudness = 1\n")
    done = actdiag("report", quiet, "--config", settings)
    assert done.stderr == ("actdiag: WSP901 has no threshold 'loudness'\n  Known: rms.\n")


def test_it_can_be_ignored_somewhere(actdiag, quiet, tmp_path):
    settings = tmp_path / "actdiag.toml"
    settings.write_text('[[ignore]]\nrule = "whisper"\nmodules = "0"\nreason = "quiet by design"\n')
    done = actdiag("report", quiet, "--select", "WSP", "--config", settings)
    assert "1 finding ignored: quiet by design (whisper in 0)" in done.stdout
