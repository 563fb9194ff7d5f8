"""Bad input is normal: one clear message and the contract's exit code, or a partial report."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from actdiag.cli import main

RAISES = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.head = nn.Linear(9, 2)

    def forward(self, x):
        return self.head(torch.relu(self.first(x)))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A good model and good data, and much that is neither."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    torch.save(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), "model.pt")
    x, y = np.random.default_rng(0).standard_normal((120, 4)).astype("f4"), np.arange(120) % 2
    np.savez("data.npz", x=x, y=y)
    np.savez("wide.npz", x=np.ones((10, 7), "f4"))
    np.savez("none.npz", x=np.ones((0, 4), "f4"))
    np.savez("short.npz", x=x, y=y[:50])
    x[3, 1] = np.nan
    np.savez("nan.npz", x=x, y=y)
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "text.pt").write_text("epochs: 10\n")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "model.pt").read_bytes()[:700])
    (tmp_path / "net.py").write_text(RAISES)
    return tmp_path


@pytest.fixture
def scan(folder, capsys, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["actdiag", "scan", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        told = capsys.readouterr()
        return stop.value.code, told.out, told.err

    return run


@pytest.mark.parametrize(
    ("arguments", "said", "advice"),
    [
        ("modle.pt data.npz", "modle.pt", "model.pt"),
        ("model.pt dada.npz", "dada.npz", "data.npz"),
        ("empty.pt data.npz", "empty.pt is empty", ""),
        ("text.pt data.npz", "text.pt", ""),
        ("cut.pt data.npz", "cut.pt", ""),
        ("model.pt wide.npz", "7", "4"),
        ("model.pt none.npz", "none.npz", ""),
        ("model.pt short.npz", "120", "50"),
        ("model.pt data.npz --input-shape 4", "--input-shape", ""),
    ],
)
def test_what_cannot_be_scanned_is_told_once(scan, arguments, said, advice):
    code, out, err = scan(*arguments.split())
    assert code == 2
    assert out == ""
    assert said in err
    assert advice in err
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 8


def test_nan_in_the_data_is_told_and_the_scan_goes_on(scan):
    code, out, _ = scan("model.pt", "nan.npz", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["data"]["samples"] == 120
    first = document["sites"][0]
    assert (first["name"], first["nonfinite"]) == ("input", 1)
    assert any("NaN" in note for note in document["data"]["notes"])


def test_a_model_that_raises_gives_everything_up_to_there(scan):
    code, out, _ = scan("net.py:Net", "data.npz", "--format", "json")
    document = json.loads(out)
    assert code == 3  # nothing ran to the end, so nothing is healthy
    assert document["verdict"] == "not-checked"
    assert [site["name"] for site in document["sites"]] == ["input", "first", "relu"]
    failure = document["coverage"]["failure"]
    assert failure["module"] == "head"
    assert failure["source"] == "net.py:12"
    assert "mat1 and mat2 shapes cannot be multiplied" in failure["message"]


def test_one_sample_is_scanned_and_no_unit_is_called_dead(scan, folder):
    np.savez(folder / "one.npz", x=np.ones((1, 4), "f4"))
    code, out, _ = scan("model.pt", "one.npz", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["data"]["samples"] == 1
    assert [f["code"] for f in document["findings"] if f["code"] == "ACT101"] == []
    assert any(skip["code"] == "ACT101" for skip in document["skipped"])


def test_without_data_the_input_is_made_up_and_labelled_so(scan):
    code, out, _ = scan("model.pt", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["data"]["synthetic"]
    assert document["data"]["sample_shape"] == [4]
    assert all(f["confidence"] == "low" for f in document["findings"] if f["code"][:3] == "ACT")
