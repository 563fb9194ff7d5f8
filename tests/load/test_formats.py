"""The contract of every format: the same model comes out, and broken files say so."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch.package import PackageExporter  # type: ignore[attr-defined]

from actdiag.errors import ActdiagError, ModelFileError, RefusedError
from actdiag.load import examine
from actdiag.load.formats import all_formats
from actdiag.load.source import open_model_file
from tests.load.makers import SAVERS, TRUSTED, load, tiny

X = torch.linspace(-2, 2, 8).reshape(2, 4)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    for name, saver in SAVERS.items():
        saver.write(tiny(), folder / name)
    return folder


def load_saved(path, saver):
    return load(path, factory=saver.factory, trust=saver.trust)


@pytest.mark.parametrize("name", SAVERS)
def test_every_format_gives_the_same_model(files, name):
    saver = SAVERS[name]
    loaded = load_saved(files / name, saver)
    inner = getattr(loaded.module, "model", loaded.module)
    assert torch.equal(inner(X), tiny()(X))
    assert loaded.info.format == saver.format
    assert loaded.info.parameters == loaded.info.trainable_parameters == 23
    assert loaded.info.dtype == "float32"
    assert len(loaded.info.sha256) == 64


@pytest.mark.parametrize("name", SAVERS)
def test_exactly_one_format_claims_each_file(files, name):
    file = open_model_file(files / name)
    assert len([found for found in all_formats() if found.recognises(file)]) == 1


@pytest.mark.parametrize("suffix", [".safetensors", ".pt2", ".csv", ".ckpt"])
@pytest.mark.parametrize("name", SAVERS)
def test_the_suffix_means_nothing(files, tmp_path, name, suffix):
    copy = tmp_path / f"copy{suffix}"
    shutil.copy(files / name, copy)
    assert load_saved(copy, SAVERS[name]).info.format == SAVERS[name].format


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.3, 0.7, 0.95, 0.999])
@pytest.mark.parametrize("name", SAVERS)
def test_a_truncated_file_gives_one_clear_error(files, tmp_path, name, share):
    whole = (files / name).read_bytes()
    cut = tmp_path / "cut.pt"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ActdiagError) as caught:
        load_saved(cut, SAVERS[name])
    assert "cut.pt" in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code in {2, 4}


@pytest.mark.parametrize("name", SAVERS)
def test_examining_says_whether_trust_is_needed_without_loading(files, name, monkeypatch):
    monkeypatch.setattr(torch, "load", None)
    monkeypatch.setattr(torch.jit, "load", None)
    found = examine(str(files / name))
    assert found.format == SAVERS[name].format
    needs_trust = found.format in {"torchscript", "exported-program"} or "protocol" in name
    assert bool(found.verdict.why) == needs_trust
    assert found.verdict.wants == ()
    assert found.size == (files / name).stat().st_size
    assert examine(str(files / name), TRUSTED).verdict.safe


@pytest.mark.parametrize("name", ["scripted", "traced", "exported"])
def test_formats_that_are_code_are_refused_with_the_reason(files, name):
    with pytest.raises(RefusedError) as caught:
        load(files / name)
    assert "code" in caught.value.message
    assert "--trust" in caught.value.hint
    assert caught.value.exit_code == 4


def test_the_file_from_a_gpu_would_not_open_without_a_thought(files):
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(files / "state-cuda", weights_only=True)


def test_training_flags_stay_as_they_were_stored(tmp_path):
    model = tiny()
    model.train()
    model[0].eval()
    torch.save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt").module
    assert [part.training for part in loaded.modules()] == [True, False, True, True]


def test_a_state_dict_without_a_factory_gives_its_weights_and_what_to_add(files):
    loaded = load(files / "state-ddp")
    assert loaded.module is None
    assert list(loaded.state) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert "--model FILE.py:NAME" in loaded.notes[-1]
    assert loaded.info.class_name == ""
    assert loaded.info.parameters == 23
    assert "nn.Linear(4, 3)" in loaded.proposal


def test_lightning_hyper_parameters_build_the_class(files):
    loaded = load_saved(files / "lightning", SAVERS["lightning"])
    assert loaded.module.lr == 0.5
    assert loaded.info.training == {"step": 12, "epoch": 3}
    assert "lr, width" in loaded.notes[-1]


def test_the_command_line_wins_over_hyper_parameters(files):
    with pytest.raises(ModelFileError) as caught:
        load(
            str(files / "lightning"),
            factory=SAVERS["lightning"].factory,
            factory_args={"width": 5},
        )
    assert "3×4 in the file, 5×4 in the model" in caught.value.message


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_torch_package_is_recognised_with_advice(tmp_path):
    path = tmp_path / "p.pt"
    with PackageExporter(str(path)) as package:
        package.extern("torch.**")
        package.save_pickle("things", "model.pkl", tiny())
    with pytest.raises(ModelFileError) as caught:
        load(path, trust=TRUSTED)
    assert "torch.package archive" in caught.value.message
    assert 'load_pickle("things", "model.pkl")' in caught.value.hint
