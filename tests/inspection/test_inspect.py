"""Real files: every sample model, and the formats that a file can have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from actdiag.inspection import inspect
from actdiag.records import Inspection, from_json, to_json
from tests.inspection.reading import CLASSES, FFN, GATES, HIDDEN, SCORES, VALUES, at, of_state

ROOT = Path(__file__).parents[2]
SAMPLES = json.loads((ROOT / "sample_models" / "manifest.json").read_text())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_every_sample_model(sample, monkeypatch):
    monkeypatch.chdir(ROOT)
    bare = inspect(sample["file"])
    assert bare.trust.safe
    assert bare.format == sample["format"]
    assert bare.size == (ROOT / sample["file"]).stat().st_size
    built = inspect(sample["file"], factory=sample["model"])
    for found in (bare, built):
        assert found.parameters == sample["parameters"]
        assert sum(kind.parameters for kind in found.kinds) == sample["parameters"]
        assert found.layers[0].parameters == sample["parameters"]
        assert from_json(Inspection, to_json(found)) == found
    assert built.class_name
    assert [row.place for row in built.places] == [row.place for row in bare.places]


def sample(name, *, built=True):
    entry = next(entry for entry in SAMPLES if entry["name"] == name)
    factory = f"{ROOT / 'sample_models' / 'factories.py'}:{entry['model'].rpartition(':')[2]}"
    return inspect(str(ROOT / entry["file"]), factory=factory if built else None)


def test_the_llama():
    found = sample("tiny_llama")
    assert at(found, FFN) == ("fits", ["swiglu"])
    assert [(g.parameters, g.two_matrix_parameters) for g in found.gated] == [(13824, 9216)] * 2
    assert at(found, SCORES) == ("not-seen", [None])
    bare = sample("tiny_llama", built=False)
    assert at(bare, FFN) == ("not-seen", [None])
    assert [g.parameters for g in bare.gated] == [13824, 13824]


def test_the_transformer_and_the_lstm():
    found = sample("tiny_transformer")
    assert (at(found, FFN), at(found, SCORES)) == (("fits", ["gelu"]), ("fits", ["softmax"]))
    assert at(sample("digits_lstm"), GATES) == ("fits", ["sigmoid"])


def test_the_missing_activation():
    found = inspect(str(ROOT / "sample_models" / "models" / "missing_activation.pt"))
    assert at(found, HIDDEN) == ("differs", [None])


def test_a_checkpoint_tells_its_training(tmp_path):
    model = nn.Linear(3, 2)
    adam = torch.optim.Adam(model.parameters(), lr=0.25, weight_decay=0.5)
    model(torch.ones(1, 3)).sum().backward()
    adam.step()
    torch.save({"model": model.state_dict(), "optimizer": adam.state_dict()}, tmp_path / "c.pt")
    training = inspect(str(tmp_path / "c.pt")).training
    assert training == {"optimizer": "Adam", "lr": 0.25, "weight_decay": 0.5, "step": 1}


def test_shared_tensors_buffers_and_types_are_told_apart(tmp_path):
    one = torch.ones(4, 3)
    state = {
        "a.weight": one,
        "b.weight": one,
        "n.weight": torch.ones(5, dtype=torch.float16),
        "n.running_mean": torch.ones(5),
    }
    torch.save(state, tmp_path / "s.pt")
    found = inspect(str(tmp_path / "s.pt"))
    assert (found.parameters, found.buffers) == (17, 5)
    assert found.dtypes == {"float32": 12, "float16": 5}


def test_safetensors_and_a_proposal(tmp_path):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    save_file(model.state_dict(), tmp_path / "s.safetensors")
    found = inspect(str(tmp_path / "s.safetensors"))
    assert found.format == "safetensors"
    assert "nn.Linear(4, 8)" in found.proposal


def test_a_hugging_face_folder_needs_no_transformers(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    names = {"gate_proj": (8, 4), "up_proj": (8, 4), "down_proj": (4, 8)}
    state = {f"layers.0.mlp.{n}.weight": torch.ones(s) for n, s in names.items()}
    save_file(state, tmp_path / "model.safetensors")
    config = {"architectures": ["LlamaForCausalLM"], "hidden_act": "silu"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = inspect(str(tmp_path))
    assert (found.format, found.class_name) == ("huggingface", "LlamaForCausalLM")
    assert at(found, FFN) == ("fits", ["swiglu"])


@pytest.mark.parametrize(
    ("names", "last"),
    [
        (("classifier", "vit.blocks.0.fc1", "vit.blocks.0.fc2"), "classifier"),
        (("conv1", "fc", "layer1.0.conv1"), "fc"),
        (("fc", "out"), "out"),
        (("stem", "fc", "top"), "top"),  # in the order of the model
    ],
)
def test_where_names_are_sorted_the_head_is_told_by_its_name(names, last):
    found = of_state({f"{name}.weight": torch.ones(5, 5) for name in names})
    row = next(row for row in found.places if row.place == CLASSES)
    assert row.found[0].layers == (last,)


def test_of_a_state_dict_everything_counts_as_trainable(tmp_path):
    state = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8)).state_dict()
    save_file(state, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Net"]}))
    found = inspect(str(tmp_path))
    assert found.trainable_parameters == found.parameters == 56


def test_the_code_that_is_shown_is_not_told_of_again(tmp_path):
    torch.save(
        nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).state_dict(), tmp_path / "s"
    )
    found = inspect(str(tmp_path / "s"))
    assert found.proposal
    assert not any("inspect shows its code" in note for note in found.notes)


def test_a_factory_alone():
    factories = ROOT / "sample_models" / "factories.py"
    found = inspect(f"{factories}:functional_cnn")
    assert (found.format, found.size, found.sha256) == ("factory", None, None)
    assert found.class_name == "DigitsCNN"


def test_an_exported_program_shows_every_function(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.b(torch.tanh(self.a(x)))

    torch.export.save(torch.export.export(Net(), (torch.ones(1, 3),)), tmp_path / "m.pt2")
    found = inspect(str(tmp_path / "m.pt2"))
    assert not found.trust.safe
    assert "add --trust" in found.trust.advice
    assert found.sees_functions
    assert at(found, HIDDEN) == ("differs", ["tanh"])
    assert at(found, VALUES) == ("fits", [None])
    assert at(found, CLASSES) == ("depends", [None])
