"""Nothing from a malicious file runs in any command that opens a model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from actdiag.cli import app
from tests.hostile.corpus import corpus
from tests.hostile.test_malicious import written

# The variants of each attack differ in how they are stored, which the room of loading tests.
NAMES = sorted(name for name in corpus(Path("/nowhere/canary")) if "/legacy-" not in name)
NAMES_OF_LAYERS = ("\x1b[31mred", "two\nlines", "::add-mask::x", "<script>", "\u202eback")


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def is_plain(text):
    return all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_in_any_command(name, tmp_path, canary):
    path = written(name, tmp_path, canary)
    scanned, inspected = run("scan", str(path)), run("inspect", str(path))
    assert not canary.exists()
    assert sorted(tmp_path.iterdir()) == [path]
    assert scanned.exit_code in {2, 4}
    assert inspected.exit_code in {0, 2}
    for done in (scanned, inspected):
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert "should not have happened" not in done.stderr
        assert is_plain(done.stdout + done.stderr)
        assert bool(done.stdout) == (done.exit_code == 0)
    assert ("✗ needs trust" in inspected.stdout) == (scanned.exit_code == 4)
    assert "✓ safe" not in inspected.stdout


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_in_the_commands_that_take_more_than_a_model(name, tmp_path, canary):
    path = str(written(name, tmp_path, canary))
    for arguments in (["check", path], ["diff", path, path], ["try", path, __file__]):
        done = run(*arguments)
        assert not canary.exists()
        assert done.exit_code in {2, 4}
        assert "should not have happened" not in done.stderr


@pytest.mark.parametrize("output", ["text", "json"])
def test_names_of_layers_are_hostile_text(tmp_path, output):
    module = nn.Sequential()
    for name in NAMES_OF_LAYERS:
        module._modules[name] = nn.Linear(2, 2)
    whole, state = tmp_path / "whole.pt", tmp_path / "state.pt"
    torch.save(module, whole)
    torch.save(module.state_dict(), state)
    for arguments in (["inspect", whole], ["inspect", state], ["scan", whole], ["scan", state]):
        done = run(*map(str, arguments), "--format", output)
        assert is_plain(done.stdout + done.stderr)
        assert not any(line.startswith("::") for line in done.stdout.splitlines())
        assert done.exit_code in {0, 3}
