"""State dicts and modules: what goes together, and why something doesn't."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from actdiag.errors import ModelFileError
from actdiag.load.fit import fit, load_into, unwrapped
from tests.load.makers import FACTORIES, TINY, load, tiny

STATE = tiny().state_dict()


def put(prefix, state=STATE):
    return {prefix + name: tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "model.", "model.module.", "net."]
)
def test_prefixes_of_wrappers_are_seen_through(prefix):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    fitted = fit(put(prefix), model)
    assert fitted.misfit.empty
    load_into(model, fitted, assign=False)
    assert torch.equal(model.state_dict()["0.weight"], STATE["0.weight"])


def test_a_part_compiled_in_the_middle():
    state = {"encoder._orig_mod.fc.weight": torch.zeros(1), "head.weight": torch.zeros(1)}
    assert list(unwrapped(state)) == ["encoder.fc.weight", "head.weight"]


def test_a_part_that_the_author_called_module_stays():
    state = {"blocks.module.weight": torch.zeros(1), "head.weight": torch.zeros(1)}
    assert list(unwrapped(state)) == list(state)


def test_weights_of_the_inner_network_go_into_the_outer_class():
    outer = nn.ModuleDict({"model": nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))})
    fitted = fit(dict(STATE), outer)
    assert fitted.misfit.empty
    assert "'model'" in fitted.notes[0]


def test_entries_beside_the_wanted_part_are_left_aside_and_said():
    state = put("model.") | {"criterion.weight": torch.zeros(2)}
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    fitted = fit(state, model)
    assert fitted.misfit.empty
    assert "1 other entries were left aside" in fitted.notes[0]


def test_older_batch_norm_without_its_counter():
    model = nn.BatchNorm1d(3)
    state = {name: t for name, t in model.state_dict().items() if "batches" not in name}
    assert fit(state, model).misfit.empty


@pytest.mark.parametrize("assign", [True, False])
def test_tied_weights_stay_tied_also_when_saved_once(tmp_path, assign):
    loaded = load(f"{FACTORIES}:Tied").module
    state = {"embed.weight": torch.ones(5, 3)}
    fitted = fit(state, loaded)
    assert fitted.misfit.empty
    load_into(loaded, fitted, assign=assign)
    assert loaded.head.weight is loaded.embed.weight
    assert torch.equal(loaded.head.weight, state["embed.weight"])


@pytest.mark.parametrize("assign", [True, False])
def test_other_dtypes_are_converted_as_torch_does(assign):
    model = nn.Linear(2, 2)
    state = {name: tensor.detach().half() for name, tensor in model.state_dict().items()}
    load_into(model, fit(state, model), assign=assign)
    assert model.weight.dtype == torch.float32
    assert model.weight.requires_grad


def error(tmp_path, state, factory=TINY, **options):
    path = tmp_path / "s.pt"
    torch.save(state, path)
    with pytest.raises(ModelFileError) as caught:
        load(path, factory=factory, **options)
    return caught.value


def test_another_number_of_classes(tmp_path):
    state = dict(STATE) | {"2.weight": torch.zeros(7, 3), "2.bias": torch.zeros(7)}
    caught = error(tmp_path, state)
    first, second = caught.message.splitlines()
    assert first == f"{tmp_path}/s.pt doesn't fit {TINY}."
    assert second == (
        "  other shape (2): 2.weight 7×3 in the file, 2×3 in the model; "
        "2.bias 7 in the file, 2 in the model"
    )
    assert caught.hint == (
        "Likely another width of 2 alone (such as the number of classes): the file has 7×3, "
        "the model 2×3. Give --model-args that match the file. "
        "Add --partial to go on with what fits."
    )


def test_another_width_throughout(tmp_path):
    caught = error(tmp_path, dict(STATE), factory_args={"width": 9})
    assert "other shape (3)" in caught.message
    assert caught.hint.startswith("Likely the same model with another width.")


def test_a_prefix_nobody_knows(tmp_path):
    caught = error(tmp_path, put("student."))
    assert "missing in the file (4): 0.(weight, bias), 2.(weight, bias)" in caught.message
    assert "in the file only (4): student.0.(weight, bias)" in caught.message
    assert "the names in the file begin with 'student.'" in caught.hint
    assert "--partial" not in caught.hint  # nothing would be loaded


def test_another_model(tmp_path):
    caught = error(tmp_path, {"conv1.weight": torch.zeros(3, 3), "bn.weight": torch.zeros(3)})
    assert caught.hint.startswith("Likely another model: no name is in both.")


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"norm.gamma": torch.zeros(1)}, "LayerNorm's older names"),
        ({"0.weight_g": torch.zeros(1)}, "weight_norm's older names"),
        ({"0.weight_mask": torch.zeros(1)}, "pruned layers"),
        ({"9.weight": torch.zeros(1)}, "Likely a smaller model than the one saved"),
    ],
)
def test_other_versions_are_named(tmp_path, extra, reason):
    assert reason in error(tmp_path, dict(STATE) | extra).hint


def test_a_deeper_model(tmp_path):
    state = {name: tensor for name, tensor in STATE.items() if name.startswith("0")}
    assert "Likely a deeper model than the one saved" in error(tmp_path, state).hint


def test_many_names_are_grouped(tmp_path):
    extra = {
        f"layer{block}.{unit}.weight": torch.zeros(1) for block in range(9) for unit in range(12)
    }
    message = error(tmp_path, dict(STATE) | extra).message
    assert "in the file only (108): layer0.* (12), layer1.* (12)" in message
    assert "and 3 more groups" in message


def test_partial_goes_on_and_says_what_is_left_out(tmp_path):
    state = dict(STATE) | {"2.weight": torch.zeros(7, 3), "2.bias": torch.zeros(7)}
    path = tmp_path / "s.pt"
    torch.save(state, path)
    loaded = load(path, factory=TINY, partial=True)
    assert torch.equal(loaded.module[0].weight, STATE["0.weight"])
    assert "Loaded in part: other shape (2)" in loaded.notes[-1].replace("  ", " ")


def test_partial_with_nothing_that_fits_is_still_an_error(tmp_path):
    assert error(tmp_path, {"a.b": torch.zeros(1)}, partial=True).exit_code == 2


def test_lazy_layers_take_the_shape_of_the_file(tmp_path):
    (tmp_path / "m.py").write_text(
        "from torch import nn\ndef build():\n    return nn.Sequential(nn.LazyLinear(3))\n"
    )
    path = tmp_path / "s.pt"
    torch.save({"0.weight": torch.ones(3, 4), "0.bias": torch.ones(3)}, path)
    loaded = load(path, factory=f"{tmp_path}/m.py:build")
    assert loaded.info.parameters == 15
    assert loaded.module(torch.ones(1, 4)).tolist() == [[5.0, 5.0, 5.0]]
