"""A pull request as a CI job sees it: a repository, a good and a bad checkpoint, annotations."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.render.test_github import commands

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


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    (folder / "net.py").write_text(NET)
    subprocess.run([sys.executable, "-c", BUILD], cwd=folder, check=True)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def check(folder, *arguments):
    command = [sys.executable, "-m", "actdiag", "check", *arguments]
    shared = ["--data", "val.npz", "--model", "net.py:Net", "--steps", "none"]
    return subprocess.run(
        [*command, *shared], cwd=folder, capture_output=True, text=True, check=False
    )


def test_annotations_land_on_lines_of_tracked_files(repository):
    done = check(repository, "good.pt", "bad.pt", "--format", "github")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.split()
    found = [each for each in commands(done.stdout) if "ACT101" in each[1]["title"]]

    assert done.returncode == 1
    ((name, properties, _),) = found
    assert name == "error"
    assert properties["file"] in tracked
    line = (repository / properties["file"]).read_text().splitlines()[int(properties["line"]) - 1]
    assert line.strip() == "x = torch.relu(self.hidden(x))"
    assert "of bad.pt" in properties["title"]
    assert re.search(r"^✓ ok good\.pt", done.stderr, re.MULTILINE)


def test_the_bad_one_passes_once_it_is_its_own_baseline(repository):
    written = check(repository, "bad.pt", "--baseline", "base.json", "--update-baseline")
    again = check(repository, "bad.pt", "--baseline", "base.json")

    assert (written.returncode, again.returncode) == (0, 0)
    assert "known from the baseline" in again.stdout
