"""A pull request as a CI job sees it: a repository, a good and a bad checkpoint, annotations."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from junitparser import JUnitXml
from sarif_pydantic import Sarif
from typer.testing import CliRunner

from actdiag.cli import app
from tests.render.test_github import commands

SHARED = ["--data", "val.npz", "--model", "net.py:Net", "--steps", "none"]
LINE = "x = torch.relu(self.hidden(x))"  # what made the layer that is dead


@pytest.fixture
def check(repository, monkeypatch):
    """Check models in the repository."""
    monkeypatch.chdir(repository)
    return lambda *arguments: CliRunner().invoke(app, ["check", *arguments, *SHARED])


def line_of(repository, path, number):
    """The line of a file that git tracks, which is where a platform shows a finding."""
    command = ["git", "ls-files"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert path in done.stdout.split()
    return (repository / path).read_text().splitlines()[int(number) - 1].strip()


def test_findings_land_on_lines_of_tracked_files_on_every_platform(check, repository):
    names = {"sarif": "a.sarif", "gitlab": "quality.json", "junit": "junit.xml"}
    reports = [part for name, path in names.items() for part in ("--report", f"{name}={path}")]
    done = check("good.pt", "bad.pt", "--format", "github", *reports)
    assert done.exit_code == 1
    assert re.search(r"^✓ ok good\.pt", done.stderr, re.MULTILINE)
    assert re.search(r"^✗ FAILED bad\.pt: \d errors", done.stderr, re.MULTILINE)

    (annotation,) = [each for each in commands(done.stdout) if "ACT101" in each[1]["title"]]
    name, properties, _ = annotation
    assert name == "error"
    assert "of bad.pt" in properties["title"]
    assert line_of(repository, properties["file"], properties["line"]) == LINE

    sarif = Sarif.model_validate_json((repository / "a.sarif").read_text())
    (result,) = [each for run in sarif.runs for each in run.results if each.rule_id == "ACT101"]
    place = result.locations[0].physical_location
    assert line_of(repository, place.artifact_location.uri, place.region.start_line) == LINE

    issues = json.loads((repository / "quality.json").read_text())
    (issue,) = [each for each in issues if "ACT101" in each["description"]]
    where = issue["location"]
    assert line_of(repository, where["path"], where["lines"]["begin"]) == LINE

    suites = {suite.name: suite for suite in JUnitXml.fromfile(repository / "junit.xml")}
    assert suites["good.pt"].failures == 0
    assert suites["bad.pt"].failures > 0


def test_a_baseline_is_written_and_only_what_is_new_fails(check, repository):
    assert check("bad.pt", "--baseline", "base.json").exit_code == 2  # there is none yet
    written = check("bad.pt", "--baseline", "base.json", "--update-baseline")
    assert (written.exit_code, "known from the baseline" in written.stdout) == (0, True)
    again = check("bad.pt", "--baseline", "base.json")
    assert (again.exit_code, "nothing new" in again.stdout) == (0, True)

    check("good.pt", "--baseline", "good.json", "--update-baseline")
    (repository / "good.pt").write_bytes((repository / "bad.pt").read_bytes())
    worse = check("good.pt", "--baseline", "good.json")
    assert worse.exit_code == 1
    assert "ACT101" in worse.stdout
    check("good.pt", "--baseline", "good.json", "--update-baseline")
    assert check("good.pt", "--baseline", "good.json").exit_code == 0


def test_a_job_that_lost_its_labels_fails_where_skips_are_strict(check, repository):
    asked = ["good.pt", "--select", "OUT202"]
    assert check(*asked, "--strict-skips").exit_code == 0
    with np.load(repository / "val.npz") as held:
        inputs = held["x"]
    np.savez(repository / "val.npz", x=inputs)
    assert check(*asked).exit_code == 0
    strict = check(*asked, "--strict-skips")
    assert strict.exit_code == 1
    assert "1 rule skipped for want of input" in strict.stdout


@pytest.mark.slow  # two processes, each of which imports torch
def test_jobs_give_the_same_verdicts(check, repository):
    one, two = (check("good.pt", "bad.pt", "--jobs", number) for number in "12")
    assert one.exit_code == two.exit_code == 1
    assert one.stdout == two.stdout


@pytest.mark.slow  # two processes, each of which imports torch
def test_a_process_that_dies_is_told_of_the_models_it_leaves(repository, monkeypatch):
    monkeypatch.chdir(repository)
    (repository / "dies.py").write_text("import os\ndef net():\n    os.kill(os.getpid(), 9)\n")
    asked = ["--data", "val.npz", "--model", "dies.py:net", "--jobs", "2"]
    done = CliRunner().invoke(app, ["check", "good.pt", "bad.pt", *asked])
    assert done.exit_code == 2
    assert "all 2 models: A process of --jobs died, for want of memory perhaps" in done.stdout


@pytest.mark.slow  # a process of its own
def test_the_command_itself(repository):
    command = [sys.executable, "-m", "actdiag", "check", ".", *SHARED]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 of 2 models passed"
