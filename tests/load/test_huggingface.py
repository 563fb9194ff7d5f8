"""Folders of Hugging Face: refused before transformers is touched, loaded where it is installed."""

from __future__ import annotations

import importlib.util
import json
import pickle
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from actdiag.errors import ActdiagError, ModelFileError, RefusedError, UsageError
from actdiag.load import examine
from tests.load.makers import TINY, load

CONFIG = {"architectures": ["BertModel"], "model_type": "bert"}


def folder_with(path, config, weights=None, *, name="model.safetensors"):
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    if weights is not None:
        (save_file if name.endswith("safetensors") else torch.save)(weights, path / name)
    return path


def failure(path, kind=ActdiagError, **options):
    with pytest.raises(kind) as caught:
        load(path, **options)
    return caught.value


def test_a_folder_without_weights(tmp_path):
    error = failure(folder_with(tmp_path / "m", CONFIG), ModelFileError)
    assert "has a config.json but no weights" in error.message


def test_a_damaged_configuration(tmp_path):
    folder = folder_with(tmp_path / "m", CONFIG, {"a": torch.zeros(1)})
    (folder / "config.json").write_text("{")
    assert "can't be read as a configuration" in failure(folder, ModelFileError).message


def test_code_of_its_own_is_refused_and_named(tmp_path):
    config = CONFIG | {"auto_map": {"AutoModel": "modeling_evil.Evil\x1b"}}
    folder = folder_with(tmp_path / "m", config, {"a": torch.zeros(1)})
    error = failure(folder, RefusedError)
    assert "brings Python code of its own" in error.message
    assert error.wants == ("modeling_evil.Evil\\x1b",)
    assert "--trust" in error.hint
    assert not examine(str(folder)).verdict.safe


def test_weights_that_run_code_are_refused(tmp_path):
    class Call:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'canary')!r}, 'w')",))

    folder = folder_with(tmp_path / "m", CONFIG, {"a": Call()}, name="pytorch_model.bin")
    assert failure(folder, RefusedError).wants == ("builtins.exec",)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Call()))
    assert failure(folder, RefusedError).wants == ("builtins.exec",)
    assert not (tmp_path / "canary").exists()


def test_a_factory_has_no_place(tmp_path):
    folder = folder_with(tmp_path / "m", CONFIG, {"a": torch.zeros(1)})
    assert "--model has no place" in failure(folder, UsageError, factory=TINY).message


def test_examining_tells_what_it_is(tmp_path):
    folder = folder_with(tmp_path / "m", CONFIG, {"a": torch.zeros(1)})
    found = examine(str(folder))
    assert (found.format, found.verdict.safe) == ("huggingface", True)
    assert len(found.sha256) == 64


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is not None, reason="transformers is installed"
)
def test_without_transformers_it_says_what_to_install(tmp_path):
    folder = folder_with(tmp_path / "m", CONFIG, {"a": torch.zeros(1)})
    assert failure(folder, UsageError).hint == 'Install it: pip install "torch-actdiag[hf]".'


@pytest.fixture(scope="module")
def bert():
    transformers: Any = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    return transformers.BertForSequenceClassification(config).eval()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder_gives_the_same_model(tmp_path, bert, name):
    config = bert.config.to_dict() | {"architectures": ["BertForSequenceClassification"]}
    folder = folder_with(tmp_path / "m", config, bert.state_dict(), name=name)
    loaded = load(folder)
    assert loaded.info.format == "huggingface"
    assert loaded.info.class_name == "BertForSequenceClassification"
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(loaded.module(ids).logits, bert(ids).logits)


def test_missing_weights_are_told_like_any_misfit(tmp_path, bert):
    config = bert.config.to_dict() | {"architectures": ["BertForSequenceClassification"]}
    state = {name: t for name, t in bert.state_dict().items() if name != "classifier.weight"}
    folder = folder_with(tmp_path / "m", config, state)
    assert "classifier.weight" in failure(folder, ModelFileError).message
    assert "classifier.weight" in load(folder, partial=True).notes[0]


def test_a_class_that_is_none(tmp_path):
    pytest.importorskip("transformers")
    for name in ("Nothing", "logging", "AutoConfig", "a.b"):
        config = CONFIG | {"architectures": [name]}
        folder = folder_with(tmp_path / "m", config, {"a": torch.zeros(1)})
        assert f"names the class {name}" in failure(folder, ModelFileError).message
