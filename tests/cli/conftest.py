from __future__ import annotations

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import actdiag
from actdiag.cli import app
from actdiag.render import json
from tests.render import build

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        return self.head(x)
"""
BUILD = """\
import numpy, torch
from net import Net
torch.manual_seed(0)
model = Net()
x = torch.randn(300, 8)
y = x[:, :3].argmax(1)
optimizer = torch.optim.Adam(model.parameters(), 0.02)
for _ in range(150):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
torch.save(model.state_dict(), "good.pt")
with torch.no_grad():
    model.hidden.bias.fill_(-100.0)
torch.save(model.state_dict(), "bad.pt")
numpy.savez("val.npz", x=x.numpy(), y=y.numpy())
"""


@pytest.fixture(scope="session")
def built_repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    (folder / "net.py").write_text(NET)
    subprocess.run([sys.executable, "-c", BUILD], cwd=folder, check=True)
    (folder / ".gitignore").write_text("__pycache__\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def repository(built_repository, tmp_path):
    """A git repository with code that makes a model, good.pt, bad.pt and val.npz."""
    folder = tmp_path / "repository"
    shutil.copytree(built_repository, folder)
    return folder


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
