from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from actdiag import scan
from tests.remedies.build import clouds, network

QUICK = ("--steps", "20", "--seeds", "2", "--lr", "0.01")


@pytest.fixture
def files(run):
    """A model and labelled data, in the folder where commands run."""
    torch.save(network(), "model.pt")
    x, y = clouds()
    np.savez("data.npz", x=x.numpy(), y=y.numpy())
    return run


def test_text_begins_with_what_to_do(files):
    done = files("try", "model.pt", "data.npz", "--remedy", "gelu", "--remedy", "dropout", *QUICK)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80
    for part in ("REMEDIES, THE BEST FIRST", "gelu: ", "dropout: ", "adam at 0.0100 (by options)"):
        assert part in done.stdout


def test_json_is_one_document_and_the_model_stays_as_it_is(files, tmp_path):
    before = (tmp_path / "model.pt").read_bytes()
    arguments = ("try", "model.pt", "data.npz", "--remedy", "temperature", "--format", "json")
    documents = [json.loads(files(*arguments, *QUICK).stdout) for _ in range(2)]
    for document in documents:
        assert document.pop("seconds") > 0
    assert documents[0] == documents[1]
    assert documents[0]["trials"][0]["remedy"] == "temperature"
    assert (tmp_path / "model.pt").read_bytes() == before


def test_the_treated_model_is_saved_and_can_be_scanned(files, tmp_path):
    data = np.load("data.npz")
    np.savez("raw.npz", x=1000 * data["x"] + 5000, y=data["y"])
    arguments = ("try", "model.pt", "raw.npz", "--remedy", "standardize", "--save", "better.pt")
    done = files(*arguments, "--steps", "60", "--time-budget", "900", "--format", "json")
    document = json.loads(done.stdout)
    assert (document["first"], document["saved"]) == ("standardize", "better.pt")
    report = scan("better.pt", "raw.npz")  # safe to load: torch.nn alone
    assert report.scan.output.accuracy > 0.85
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "better.pt",
        "data.npz",
        "model.pt",
        "raw.npz",
    ]


def test_nothing_is_saved_where_nothing_helps(files, tmp_path):
    done = files("try", "model.pt", "data.npz", "--remedy", "residual", "--save", "b.pt", *QUICK)
    assert done.exit_code == 0
    assert "Nothing was saved" in done.stdout
    assert not (tmp_path / "b.pt").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--remedy", "relu"], "there is no remedy 'relu'"),
        (["--format", "html"], "there is no format 'html' of a trial"),
        (["--steps", "5", "--epochs", "1"], "--steps and --epochs were both given"),
        (["--lr", "-1"], "--lr -1 is no learning rate"),
        (["--optimizer", "lion"], "there is no optimizer 'lion'"),
        (["--save", "model.pt"], "--save model.pt: that is an input"),
        (["--save", "nowhere/b.pt"], "cannot write in nowhere"),
    ],
)
def test_mistakes_are_told_once(files, arguments, says):
    done = files("try", "model.pt", "data.npz", *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert says in " ".join(done.stderr.split())


def test_weights_without_a_class_and_data_without_labels(files):
    torch.save(network().state_dict(), "weights.pt")
    np.save("x.npy", clouds()[0].numpy())
    done = files("try", "weights.pt", "data.npz")
    assert done.exit_code == 3
    assert "--model FILE.py:NAME" in done.stderr
    done = files("try", "model.pt", "x.npy")
    assert done.exit_code == 2
    assert "has no labels" in done.stderr


def test_help_takes_no_torch():
    code = (
        "import sys\nfrom actdiag.cli import app\n"
        "try: app(['try', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "print([name for name in ('torch', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
