"""The pytest plugin, run by pytest itself in folders of its own."""

from __future__ import annotations

import importlib.util
import json

import pytest

# Imported here, since pytester forgets what a run of it imports, and torch can't be twice.
import actdiag.cli
import actdiag.pipeline
import actdiag.testing  # noqa: F401
from actdiag.render import json as json_format
from actdiag.rules import registry
from tests.render import build

registry()  # imports the rules
pytest_plugins = ["pytester"]

MODELS = """
import torch
from torch import nn
from actdiag.testing import assert_healthy

def model(bias):
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    nn.init.constant_(made[0].bias, bias)
    return made

DATA = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
OPTIONS = {"steps": "none", "select": ["ACT101"]}

def test_good():
    assert_healthy(model(0.0), DATA, **OPTIONS)

def test_dead():
    assert_healthy(model(-100.0), DATA, **OPTIONS)
"""


@pytest.fixture
def models(pytester):
    pytester.makepyfile(test_models=MODELS)
    return pytester


def test_a_failure_shows_the_concise_report_and_not_our_code(models):
    done = models.runpytest_inprocess("-p", "no:xdist")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["E * AssertionError: Sequential: sick: *", "E * ACT101 dead-relu *"])
    done.stdout.no_fnmatch_line("*raise AssertionError*")
    done.stdout.no_fnmatch_line("*actdiag: *report of*")


def test_reports_of_the_run_by_suffix_and_by_format(models):
    asked = [
        f"--actdiag-report={name}" for name in ("scans.json", "scans.xml", "concise=scans.log")
    ]
    done = models.runpytest_inprocess("-p", "no:xdist", *asked)

    done.stdout.fnmatch_lines(["actdiag: scans.json: the report of 2 models"])
    reports = json.loads((models.path / "scans.json").read_text())["reports"]
    paths = [report["model"]["path"] for report in reports]
    assert paths == ["test_models.py::test_dead", "test_models.py::test_good"]
    assert [len(report["findings"]) for report in reports] == [1, 0]
    assert (models.path / "scans.xml").read_text().startswith("<?xml")
    assert (models.path / "scans.log").read_text().count("test_models.py::") >= 2


def test_a_run_without_the_option_writes_and_imports_nothing(pytester):
    pytester.makepyfile(
        """
        import sys
        def test_light():
            assert not {"torch", "numpy", "typer", "pydantic", "actdiag.testing"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)
    assert not list(pytester.path.glob("*.json"))


def test_a_run_without_a_scan_says_that_nothing_was_written(pytester):
    pytester.makepyfile("def test_other(): pass")
    done = pytester.runpytest_inprocess("-p", "no:xdist", "--actdiag-report=scans.json")
    done.stdout.fnmatch_lines(["actdiag: no model was checked, so no report was written"])
    assert not (pytester.path / "scans.json").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("scans.jsn", "*--actdiag-report scans.jsn: the suffix tells no format. Known: .csv, *"),
        (
            "json=no/scans.json",
            "*--actdiag-report json=no/scans.json: cannot write in no: No such*",
        ),
        ("folder.json", "*folder.json is a folder*"),
    ],
)
def test_what_cannot_be_written_is_told_before_any_test(models, asked, message):
    (models.path / "folder.json").mkdir()
    done = models.runpytest_inprocess("-p", "no:xdist", f"--actdiag-report={asked}")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: {message}"])


@pytest.mark.skipif(
    importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not installed"
)
def test_workers_of_xdist_hand_their_reports_over(pytester):
    pytester.makefile(".json", scan=json_format.render(build.sick()))
    pytester.makepyfile(
        """
        import json, pathlib, pytest
        from actdiag import testing
        from actdiag.records import Report

        @pytest.mark.parametrize("name", ["a", "b", "c", "d"])
        def test_scan(name):
            document = json.loads(pathlib.Path("scan.json").read_text())
            document["model"]["path"] = name
            for listener in testing.listeners:
                listener(Report.from_json(document))
        """
    )
    done = pytester.runpytest_subprocess("-n2", "--actdiag-report=scans.json")
    done.assert_outcomes(passed=4)
    reports = json.loads((pytester.path / "scans.json").read_text())["reports"]
    assert [report["model"]["path"] for report in reports] == ["a", "b", "c", "d"]
    assert {len(report["findings"]) for report in reports} == {len(build.sick().findings)}
