"""file.py:name and pkg.mod:name: code that the user named."""

from __future__ import annotations

import sys

import pytest
import torch

from actdiag.errors import DataError
from actdiag.feed import open_data

CODE = """
import random
import torch
from torch.utils.data import DataLoader, TensorDataset
import neighbour_of_data

torch.manual_seed(5)
random.seed(5)
pair = (torch.ones(6, neighbour_of_data.WIDTH), torch.arange(6) % 2)
loader = DataLoader(TensorDataset(*pair), batch_size=2)
tensor = pair[0]

def make():
    return loader

class holder:
    inner = tensor
"""


@pytest.fixture
def code(tmp_path):
    (tmp_path / "neighbour_of_data.py").write_text("WIDTH = 3\n")
    (tmp_path / "mine.py").write_text(CODE)
    yield tmp_path / "mine.py"
    sys.modules.pop("neighbour_of_data", None)


@pytest.mark.parametrize("name", ["pair", "loader", "tensor", "make", "holder.inner"])
def test_a_name_in_a_file(code, name):
    before, path = torch.get_rng_state(), list(sys.path)
    feed = open_data(f"{code}:{name}")
    assert sum(batch.samples for batch in feed) == 6
    assert feed.sample_shape == (3,)
    assert torch.equal(before, torch.get_rng_state())
    assert sys.path == path


def test_a_name_in_a_module(code, monkeypatch):
    monkeypatch.chdir(code.parent)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    assert open_data("mine:make").samples == 6
    sys.modules.pop("mine")


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("{code}:lodaer", "there is no lodaer in .*mine.py", "Did you mean loader"),
        ("{code}x.py:loader", "there is no file", "Check the path."),
        ("no_such_package.data:x", "ModuleNotFoundError", "importable"),
    ],
)
def test_what_cannot_be_found(code, text, says, hint):
    with pytest.raises(DataError, match=says) as caught:
        open_data(text.format(code=code))
    assert hint in caught.value.hint


@pytest.mark.parametrize("body", ["1 / 0", "raise SystemExit(3)", "def broken(:"])
def test_code_that_fails_to_import(tmp_path, body):
    (tmp_path / "bad.py").write_text(body)
    with pytest.raises(DataError, match=r"importing .*bad.py failed"):
        open_data(f"{tmp_path}/bad.py:data")


def test_a_python_file_without_a_name_says_what_to_add(code):
    with pytest.raises(DataError, match="is Python code") as caught:
        open_data(code)
    assert "mine.py:name" in caught.value.hint
