"""``--call`` and ``--mask`` on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

    def encode(self, ids):
        return torch.relu(self.embed(ids))

    def forward(self, ids):
        return self.head(self.encode(ids).mean(1))
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    ids = np.tile(np.array([[3, 4, 5, 0, 0, 0, 0, 0]]), (40, 1))
    np.savez(tmp_path / "ids.npz", ids=ids, kept=(ids > 0).astype(np.int64))


def scanned(run, *options):
    done = run("scan", "net.py:Net", "ids.npz", "--steps", "none", "--format", "json", *options)
    return json.loads(done.stdout)


def test_call_runs_another_method(run, files):
    assert [site["name"] for site in scanned(run)["sites"]] == ["input", "embed", "relu", "head"]
    found = scanned(run, "--call", "encode")
    assert [site["name"] for site in found["sites"]] == ["input", "embed", "relu"]
    assert found["coverage"]["parameters_seen"] == pytest.approx(36 / 46)


def test_call_names_the_methods_that_there_are(run, files):
    done = run("scan", "net.py:Net", "ids.npz", "--call", "decode")
    assert done.exit_code == 2
    assert "--call decode: Net has no method of that name." in done.stderr
    assert "It has encode, forward." in done.stderr


def test_mask_leaves_padding_out(run, files):
    whole, found = scanned(run), scanned(run, "--mask", "kept")
    sizes = [next(s for s in of["sites"] if s["name"] == "embed") for of in (whole, found)]
    assert [site["elements"] for site in sizes] == [40 * 8 * 4, 40 * 3 * 4]
    assert [f["code"] for f in whole["findings"] if f["code"] == "DAT706"] == ["DAT706"]
    assert not any(f["code"] == "DAT706" for f in found["findings"])
    assert "62 % of the positions are padding by 'kept'" in found["coverage"]["note"]


def test_mask_that_is_not_there(run, files):
    done = run("scan", "net.py:Net", "ids.npz", "--mask", "keep")
    assert done.exit_code == 2
    assert "--mask keep: the model is given nothing of that name." in done.stderr
