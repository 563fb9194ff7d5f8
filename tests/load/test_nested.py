"""Where in a checkpoint the weights are found, and what is said of what lies beside them."""

import argparse
import types
from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from actdiag.errors import ModelFileError
from actdiag.inspection import inspect
from actdiag.load import examine, is_code, load_model
from actdiag.load.source import divided

FACTORY = "net.py:build"


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Saves a checkpoint beside a factory of its model, and returns its path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("from torch import nn\n\n\nbuild = lambda: nn.Linear(3, 2)\n")

    def save(content):
        torch.save(content, "model.pt")
        return "model.pt"

    return save


def test_weights_beside_the_weights_are_named(saved):
    state = nn.Linear(3, 2).state_dict()
    loaded = load_model(saved({"model": state, "model_ema": state, "epoch": 3}), factory=FACTORY)
    assert loaded.module is not None
    assert "The file also holds weights under 'model_ema', which were not read." in loaded.notes
    assert "To read those, name them after the file: FILE:model_ema." in loaded.notes
    assert loaded.info.training == {"epoch": 3}


def test_of_several_weights_none_is_guessed(saved):
    state = nn.Linear(3, 2).state_dict()
    with pytest.raises(ModelFileError, match=r"holds 2 sets of weights: netG, netD\.") as caught:
        load_model(saved({"netG": state, "netD": state}), factory=FACTORY)
    assert caught.value.hint == "Name one after the file: model.pt:netG."


NAMED: dict[str, Any] = {"netG": {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, "epoch": 3}
NAMED["netD"] = {"weight": torch.full((2, 3), 2.0), "bias": torch.zeros(2)}
NAMED["ema"] = {"decay": 0.9, "module": {"weight": torch.full((2, 3), 3.0), "bias": torch.zeros(2)}}


@pytest.mark.parametrize(
    ("key", "value"), [("netG", 1), ("netD", 2), ("ema.module", 3), ("ema", 3)]
)
def test_one_of_several_weights_is_chosen_by_its_key(saved, key, value):
    loaded = load_model(f"{saved(NAMED)}:{key}", factory=FACTORY)
    assert torch.equal(loaded.module.weight, torch.full((2, 3), float(value)))
    assert loaded.info.path == f"model.pt:{key}"
    assert loaded.info.training == {"epoch": 3}
    assert examine(f"model.pt:{key}").path == f"model.pt:{key}"


def test_a_key_chooses_in_files_of_the_older_kind_too(saved):
    torch.save(NAMED, saved({}), _use_new_zipfile_serialization=False)
    assert load_model("model.pt:netD").state["weight"][0, 0] == 2


def test_a_key_that_is_not_there_is_told_with_those_that_are(saved):
    with pytest.raises(ModelFileError) as caught:
        load_model(f"{saved(NAMED)}:netX")
    assert caught.value.message == "model.pt holds no weights under 'netX'."
    assert caught.value.hint == "It holds weights under netG, netD, ema.module."


def test_bare_weights_have_no_keys(saved):
    with pytest.raises(ModelFileError) as caught:
        load_model(f"{saved(NAMED['netG'])}:weight")
    assert caught.value.hint == "Give the file alone."


def test_files_of_other_kinds_have_no_keys(saved):
    save_file(NAMED["netG"], "model.safetensors")
    with pytest.raises(ModelFileError, match=r"a safetensors file has no parts by key, so :netG"):
        load_model("model.safetensors:netG")


def test_an_optimizer_beside_the_chosen_weights_goes_before_others(saved):
    layer = nn.Linear(3, 2)
    first, second = (torch.optim.SGD(layer.parameters(), lr=lr).state_dict() for lr in (0.1, 0.2))
    content = {"opt": first, "D": {"model": layer.state_dict(), "opt": second}, "G": NAMED["netG"]}
    loaded = load_model(f"{saved(content)}:D")
    assert loaded.optimizer["param_groups"][0]["lr"] == 0.2


def test_a_colon_is_no_key_where_the_path_or_the_code_has_it(saved, tmp_path):
    saved(NAMED)
    (tmp_path / "a:b.pt").write_bytes((tmp_path / "model.pt").read_bytes())
    assert divided("a:b.pt") == ("a:b.pt", "")
    assert divided("a:b.pt:netG") == ("a:b.pt", "netG")
    assert divided("C:\\models\\net.pt") == ("C:\\models\\net.pt", "")
    assert divided("net.py:build") == ("net.py:build", "")
    assert is_code("net.py:build")
    assert is_code("net.models:build")
    assert not is_code("model.pt:netG")


def test_a_slip_in_the_name_of_a_file_with_a_key_is_told_as_one(saved):
    saved(NAMED)
    with pytest.raises(ModelFileError, match=r"There is no file modle\.pt:netG\."):
        load_model("modle.pt:netG")


def test_inspect_tells_the_part_alone_even_of_a_file_that_needs_trust(saved):
    nets = {"netG": NAMED["netG"], "netD": {**NAMED["netD"], "more": torch.ones(7)}}
    assert inspect(f"{saved(nets)}:netG").parameters == 8
    refused = f"{saved({**nets, 'code': Fraction(1, 2)})}:netD"
    assert not inspect(refused).opened
    assert inspect(refused).parameters == 15


def test_an_optimizers_own_state_is_told_as_such(saved):
    optimizer = torch.optim.Adam(nn.Linear(3, 2).parameters())
    with pytest.raises(ModelFileError, match="its keys: state, param_groups") as caught:
        load_model(saved(optimizer.state_dict()))
    assert caught.value.hint.startswith("It holds an optimizer's state alone.")


def test_an_averaged_models_counter_is_no_weight(saved):
    averaged = AveragedModel(nn.Linear(3, 2))
    assert load_model(saved(averaged.state_dict()), factory=FACTORY).module is not None
    assert set(load_model("model.pt").state) == {"weight", "bias"}


def test_settings_among_the_weights_are_no_obstacle(saved):
    content = {**nn.Linear(3, 2).state_dict(), "classes": 2, "name": "best", "note": None}
    assert set(load_model(saved(content)).state) == {"weight", "bias"}


@pytest.mark.parametrize("content", [{"loss": torch.zeros(()), "epoch": 3}, {1: torch.zeros(2, 2)}])
def test_numbers_of_another_kind_are_no_weights(saved, content):
    with pytest.raises(ModelFileError, match="holds no weights"):
        load_model(saved(content))


def test_sparse_weights_are_filled_in(saved):
    layer = nn.Linear(3, 2)
    sparse = {name: tensor.to_sparse() for name, tensor in layer.state_dict().items()}
    loaded = load_model(saved(sparse), factory=FACTORY)
    assert torch.equal(loaded.module.weight, layer.weight)


BESIDE = {
    "defaultdict": defaultdict(list, {"loss": [0.5]}),
    "nested": defaultdict(dict, {"a": {"b": 1}}),
    "time": datetime(2026, 11, 22, 16, 30, 5),  # noqa: DTZ001 - as people write it
    "day": date(2026, 11, 22),
    "span": timedelta(hours=3),
    "namespace": argparse.Namespace(lr=0.1, classes=defaultdict(int)),
    "simple": types.SimpleNamespace(lr=0.1),
}


@pytest.mark.parametrize("kind", BESIDE)
def test_plain_data_beside_the_weights_needs_no_trust(saved, kind):
    path = saved({"state_dict": nn.Linear(3, 2).state_dict(), "beside": BESIDE[kind]})
    assert examine(path).verdict.wants == ()
    assert load_model(path, factory=FACTORY).module is not None


def test_a_date_is_read_as_text():
    from actdiag.load.plaindata import point_in_time

    when = BESIDE["time"]
    assert point_in_time(*when.__reduce_ex__(2)[1]) == "2026-11-22 16:30:05"
    assert point_in_time(*BESIDE["day"].__reduce_ex__(2)[1]) == "2026-11-22"
    assert point_in_time(*BESIDE["span"].__reduce_ex__(2)[1]) == "0 10800 0"
