from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

SAMPLES = Path(__file__).parents[2] / "sample_models"
LLAMA = str(SAMPLES / "models" / "tiny_llama.pt")
FACTORY = f"{SAMPLES / 'factories.py'}:tiny_llama"


class Own(nn.Module):
    """A class that only trust would import."""


def test_text_says_what_the_file_is(run):
    done = run("inspect", LLAMA, "--model", FACTORY)
    assert done.exit_code == 0
    assert done.stderr == ""
    said = " ".join(done.stdout.split())
    assert said.startswith(f"{LLAMA}: a torch.save file of TinyLlama")
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if LLAMA not in line)
    for part in ("✓ safe", "52,656 parameters", "SwiGLU", "three (gate_proj, up_proj, down_proj)"):
        assert part in done.stdout


def test_json_is_one_document_and_nothing_else(run):
    done = run("inspect", LLAMA, "--format", "json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert document["format"] == "state-dict"
    assert document["trust"]["safe"] is True
    assert len(document["gated"]) == 2
    again = run("inspect", LLAMA, "--format", "json")
    assert again.stdout == done.stdout


def test_a_file_that_needs_trust_is_told_all_the_same(run):
    torch.save(Own(), "own.pt")
    done = run("inspect", "own.pt")
    assert done.exit_code == 0
    assert "✗ needs trust" in done.stdout
    assert "wants tests.cli.test_inspect.Own" in done.stdout.replace("  ", " ")


def test_a_factory_is_not_used_for_a_file_that_needs_trust(run):
    torch.save(Own(), "own.pt")
    done = run("inspect", "own.pt", "--model", FACTORY)
    assert done.exit_code == 0
    assert "--model was not used, since the file would have to be trusted." in " ".join(
        done.stdout.split()
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.pt"], "There is no file nowhere.pt"),
        ([LLAMA, "--format", "html"], "there is no format 'html' of an inspection"),
        ([LLAMA, "--model", f"{SAMPLES / 'factories.py'}:digits_lstm"], "doesn't fit"),
        ([LLAMA, "--model", FACTORY, "--model-args", "[1]"], "--model-args is not a JSON object"),
    ],
)
def test_mistakes_are_told_once(run, arguments, says):
    done = run("inspect", *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert says in " ".join(done.stderr.split())


def test_what_the_users_code_prints_goes_to_stderr(run, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\nprint('hello')\ndef net():\n    return nn.Linear(1, 1)\n"
    )
    done = run("inspect", "net.py:net", "--format", "json")
    assert json.loads(done.stdout)["class_name"] == "Linear"
    assert "hello" in done.stderr


def test_in_a_process_of_its_own(command):
    done = subprocess.run([*command, "inspect", LLAMA], capture_output=True, text=True, check=True)
    assert "GATED FEED-FORWARD NETWORKS" in done.stdout
    assert done.stderr == ""
