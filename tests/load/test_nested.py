"""Where in a checkpoint the weights are found, and what is said of what lies beside them."""

import argparse
import types
from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from actdiag.errors import ModelFileError
from actdiag.load import examine, load_model

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
    assert loaded.info.training == {"epoch": 3}


def test_of_several_weights_none_is_guessed(saved):
    state = nn.Linear(3, 2).state_dict()
    with pytest.raises(ModelFileError, match=r"holds 2 sets of weights: netG, netD\.") as caught:
        load_model(saved({"netG": state, "netD": state}), factory=FACTORY)
    assert 'torch.save(torch.load(path)["netG"], "netG.pt")' in caught.value.hint


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
