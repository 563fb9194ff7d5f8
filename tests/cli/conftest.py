from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import actdiag
from actdiag.cli import app
from actdiag.render import json
from tests.render import build


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def pipeline(monkeypatch):
    """Stand in for the pipeline: keeps what it was asked, gives or raises ``answer``."""
    fake = SimpleNamespace(asked=None, answer=build.sick(), says="")

    def scan(model, data, **options):
        fake.asked = {"model": model, "data": data, **options}
        sys.stdout.write(fake.says)
        if isinstance(fake.answer, BaseException):
            raise fake.answer
        return fake.answer

    stand_in = SimpleNamespace(scan=scan)
    monkeypatch.setitem(sys.modules, "actdiag.pipeline", stand_in)
    monkeypatch.setattr(actdiag, "pipeline", stand_in, raising=False)
    return fake


@pytest.fixture
def saved(tmp_path):
    """Where a report was saved as JSON."""
    path = tmp_path / "scan.json"
    path.write_text(json.render(build.sick()), encoding="utf-8")
    return path


@pytest.fixture
def command():
    """How the command is started in a process of its own."""
    return [sys.executable, "-m", "actdiag"]
