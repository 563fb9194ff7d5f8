"""What may run: nothing by itself, single names with --allow, everything with --trust."""

from __future__ import annotations

import argparse
import importlib
import pathlib
import sys
import types
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.torch_version import TorchVersion

from actdiag.errors import ModelFileError, RefusedError, UsageError
from actdiag.load import Trust, examine
from tests.load.makers import FACTORIES, OLD, TRUSTED, load, tiny

CODE = """
import torch
from torch import nn
ran = []
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)
    def forward(self, x):
        return torch.relu(self.fc(x))
    def __setstate__(self, state):
        ran.append("Block")
        super().__setstate__(state)
class Config:
    def __init__(self):
        self.depth = 2
def gate(x):
    ran.append("gate")
    return x
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable module with a user's classes, and a list of what ran in it."""
    (tmp_path / "users_package.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("users_package")
    del sys.modules["users_package"]


def allow(*names):
    return Trust(names=frozenset(names))


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "legacy"])
def test_a_class_of_the_users_is_refused_by_name_and_allowed_by_name(tmp_path, package, options):
    path = str(tmp_path / "m.pt")
    torch.save(nn.Sequential(package.Block(), nn.ReLU()), path, **options)
    with pytest.raises(RefusedError) as caught:
        load(path)
    assert package.ran == []
    assert caught.value.exit_code == 4
    assert caught.value.wants == ("users_package.Block",)
    assert caught.value.message == (
        f"{path} was not loaded: it would run code from outside torch.nn. "
        "It asks for users_package.Block."
    )
    assert caught.value.hint == (
        "If you trust this code: --allow users_package.Block; or --trust to allow everything."
    )
    assert examine(path).verdict.wants == ("users_package.Block",)
    loaded = load(path, trust=allow("users_package.Block"))
    assert type(loaded.module[0]) is package.Block
    assert loaded.module(torch.ones(1, 4)).shape == (1, 2)
    assert type(load(path, trust=TRUSTED).module[0]) is package.Block


def test_allowing_one_name_does_not_allow_another(tmp_path, package):
    path = str(tmp_path / "m.pt")
    block = package.Block()
    block.config, block.gate = package.Config(), package.gate
    torch.save(block, path)
    with pytest.raises(RefusedError) as caught:
        load(path, trust=allow("users_package.Block"))
    assert caught.value.wants == ("users_package.Config", "users_package.gate")
    names = ("users_package.Block", "users_package.Config", "users_package.gate")
    loaded = load(path, trust=allow(*names))
    assert loaded.module.config.depth == 2
    assert loaded.module.gate is package.gate
    assert "gate" not in package.ran


def test_a_class_of_the_script_that_saved_it(tmp_path, monkeypatch):
    main: Any = types.ModuleType("__main__")
    main.Net = type("Net", (nn.Linear,), {"__module__": "__main__"})
    monkeypatch.setitem(sys.modules, "__main__", main)
    path = str(tmp_path / "m.pt")
    torch.save(main.Net(4, 2), path)
    del main.Net
    with pytest.raises(RefusedError) as caught:
        load(path)
    assert caught.value.wants == ("__main__.Net",)
    assert "--model FILE.py:CLASS" in caught.value.hint
    with pytest.raises(UsageError) as unnamed:
        load(path, trust=allow("__main__.Net"))
    assert unnamed.value.hint == "Name the script too: --model FILE.py:Net."
    with pytest.raises(ModelFileError) as trusted:
        load(path, trust=TRUSTED)
    assert "Can't get attribute 'Net'" in trusted.value.message
    assert "--model FILE.py:CLASS" in trusted.value.hint
    script = tmp_path / "train.py"
    script.write_text("from torch import nn\nclass Net(nn.Linear):\n    pass\n")
    for trust in (allow("__main__.Net"), TRUSTED):
        loaded = load(path, factory=f"{script}:Net", trust=trust)
        assert type(loaded.module).__name__ == "Net"
        assert loaded.module.in_features == 4


@pytest.mark.parametrize(
    "name",
    ["os.system", "builtins.eval", "posix.system", "subprocess.Popen", "torch.hub.load", "runpy.a"],
)
def test_what_acts_cannot_be_allowed_by_name(name):
    with pytest.raises(UsageError) as caught:
        load("m.pt", trust=allow(name))
    assert f"--allow {name}: that is no part of a model" in caught.value.message


@pytest.mark.parametrize("name", ["Net", "a b.c", "x.y()", ""])
def test_names_are_full_names(name):
    with pytest.raises(UsageError) as caught:
        load("m.pt", trust=allow(name))
    assert caught.value.hint == "Write PACKAGE.MODULE.CLASS."


def test_an_allowed_name_that_cannot_be_imported(tmp_path, package):
    path = str(tmp_path / "m.pt")
    torch.save(package.Block(), path)
    del package.Block
    with pytest.raises(UsageError) as caught:
        load(path, trust=allow("users_package.Block"))
    assert "it cannot be imported" in caught.value.message


def test_only_names_that_the_file_asks_for_are_imported(tmp_path):
    path = str(tmp_path / "m.pt")
    torch.save(tiny(), path)
    before = set(sys.modules)
    assert load(path, trust=allow("this.Never")).module is not None
    assert set(sys.modules) == before


def test_what_this_process_allowed_before_does_not_count(tmp_path, package):
    path = str(tmp_path / "m.pt")
    torch.save(package.Block(), path)
    with torch.serialization.safe_globals([package.Block, nn.Linear]):
        before = set(torch.serialization.get_safe_globals())
        with pytest.raises(RefusedError):
            load(path)
        torch.save(tiny(), path)
        assert load(path).module is not None
        assert set(torch.serialization.get_safe_globals()) == before


def test_plain_things_that_checkpoints_hold_need_no_trust(tmp_path):
    path = str(tmp_path / "m.pt")
    document = {
        "state_dict": tiny().state_dict(),
        "best": np.float64(0.5),
        "count": np.int64(7),
        "history": np.arange(6, dtype=np.float32).reshape(2, 3),
        "args": argparse.Namespace(lr=0.1, nested=argparse.Namespace(b=2)),
        "path": pathlib.PurePosixPath("/data/run"),
        "version": TorchVersion("2.1.0"),
        "device": torch.device("cuda:1"),
        "dtype": torch.float16,
        "shape": torch.Size([1, 2]),
        "epoch": np.int64(4),
    }
    torch.save(document, path)
    assert examine(path).verdict.safe
    loaded = load(path)
    assert loaded.info.training == {"epoch": 4}
    torch.save(document, path, **OLD)
    assert load(path).info.training == {"epoch": 4}


def test_a_namespace_holds_what_it_held(tmp_path):
    """Read through a Lightning file, whose hyper-parameters reach the factory."""
    path = str(tmp_path / "m.ckpt")
    document = {
        "pytorch-lightning_version": "1.0",
        "state_dict": {"model." + name: t for name, t in tiny().state_dict().items()},
        "hyper_parameters": argparse.Namespace(width=np.int64(3), lr=np.float32(0.25)),
    }
    torch.save(document, path)
    module = load(path, factory=f"{FACTORIES}:Lightning").module
    assert module.lr == 0.25
    assert type(module.lr) is float


def test_an_object_array_is_refused(tmp_path):
    path = str(tmp_path / "m.pt")
    torch.save({"state_dict": tiny().state_dict(), "a": np.array([{}], dtype=object)}, path)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert "no plain number" in caught.value.message


def test_another_pickle_protocol_needs_trust_and_says_why(tmp_path):
    path = str(tmp_path / "m.pt")
    torch.save(tiny(), path, pickle_protocol=4)
    with pytest.raises(RefusedError) as caught:
        load(path)
    assert "pickled with protocol 4" in caught.value.message
    assert "save it again" in caught.value.hint


@pytest.mark.parametrize(
    "trust", [Trust(names=frozenset({"beside_the_file.Mine"})), Trust(everything=True)]
)
def test_a_class_may_lie_beside_the_file(trust, tmp_path, monkeypatch):
    script = "from torch import nn\n\nclass Mine(nn.Linear):\n    pass\n"
    (tmp_path / "beside_the_file.py").write_text(script)
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        made = importlib.import_module("beside_the_file").Mine(3, 2)
        torch.save(made, "mine.pt")
        del sys.modules["beside_the_file"]
    assert type(load("mine.pt", trust=trust).module).__name__ == "Mine"
    assert sys.path == path
    del sys.modules["beside_the_file"]
