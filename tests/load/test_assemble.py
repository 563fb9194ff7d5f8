"""Whole modules of torch.nn come back as they were, and none that hides something."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from actdiag.errors import ActdiagError, ModelFileError, RefusedError
from actdiag.load import Trust
from actdiag.load.shells import module_classes
from actdiag.load.standins import stand_ins
from actdiag.load.trust import NO_TRUST
from tests.load.makers import OLD, TRUSTED, load

IMAGE, ROW, STEPS = torch.ones(2, 4, 8, 8), torch.ones(2, 4), torch.ones(3, 2, 4)
LAYERS = [
    (nn.Conv2d(4, 6, 3, padding="same", padding_mode="reflect", groups=2), IMAGE),
    (nn.ConvTranspose2d(4, 2, 3, stride=2), IMAGE),
    (nn.Sequential(nn.BatchNorm2d(4), nn.ReLU6(), nn.MaxPool2d(2), nn.Flatten()), IMAGE),
    (nn.GroupNorm(2, 4), IMAGE),
    (nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    (nn.Sequential(nn.LayerNorm(4), nn.GELU("tanh"), nn.Dropout(0.5), nn.Softmax(-1)), ROW),
    (nn.Sequential(nn.RMSNorm(4), nn.PReLU(4), nn.Softplus(beta=2), nn.Hardtanh(-2, 2)), ROW),
    (nn.LSTM(4, 5, 2, bidirectional=True), STEPS),
    (nn.GRU(4, 5, bias=False), STEPS),
    (nn.TransformerEncoderLayer(4, 2, 8, activation="gelu"), STEPS),
    (nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2), STEPS),
    (nn.TransformerEncoderLayer(4, 2, 8, activation=nn.SiLU()), STEPS),
    (nn.EmbeddingBag(5, 4), torch.tensor([[1, 2], [3, 4]])),
    (nn.ModuleDict({"a": nn.Linear(4, 4)}), None),
    (nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(3))]), None),
    (nn.Bilinear(4, 4, 2), None),
]


def first(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "legacy"])
@pytest.mark.parametrize(("model", "x"), LAYERS, ids=lambda part: type(part).__name__)
def test_layers_come_back_as_they_were(tmp_path, model, x, options):
    torch.save(model.eval(), tmp_path / "m.pt", **options)
    loaded = load(tmp_path / "m.pt").module
    assert repr(loaded) == repr(model)
    for (name, ours), (other, theirs) in zip(
        loaded.state_dict().items(), model.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(ours, theirs)
    if x is not None:
        assert torch.equal(first(loaded(x)), first(model(x)))


def test_shared_parameters_stay_shared_and_frozen_ones_frozen(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    torch.save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt")
    assert loaded.module[1].weight is loaded.module[0].weight
    assert (loaded.info.parameters, loaded.info.trainable_parameters) == (15, 12)


def test_half_precision_is_reported(tmp_path):
    torch.save(nn.Linear(2, 2).half(), tmp_path / "m.pt")
    assert load(tmp_path / "m.pt").info.dtype == "float16"


def hooked(model):
    model.register_forward_hook(print)


def replaced(model):
    model.__dict__["forward"] = nn.Linear(2, 2)


def overridden(model):
    model.__dict__["state_dict"] = nn.functional.relu


def class_inside(model):
    model.cls_to_become = nn.Linear


def itself(model):
    model._modules["again"] = model


def endless(model):
    model.depth = []
    inner = model.depth
    for _ in range(200):
        inner.append([])
        inner = inner[0]


def no_parameters(model):
    model._parameters = OrderedDict(weight="text")


def nothing(model):
    model.__dict__.pop("in_features")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (hooked, "asks for builtins.print"),
        (replaced, "holds a Linear that replaces forward"),
        (overridden, "holds a Linear that replaces state_dict"),
        (class_inside, "holds Linear where data belongs"),
        (itself, "holds something that contains itself"),
        (endless, "nested too deeply"),
        (no_parameters, "whose _parameters is damaged"),
        (nothing, "holds a damaged Linear"),
    ],
)
def test_a_module_that_hides_something_is_not_assembled(tmp_path, spoil, told):
    model = nn.Linear(2, 2)
    spoil(model)
    torch.save(model, tmp_path / "m.pt")
    with pytest.raises(ActdiagError) as caught:
        load(tmp_path / "m.pt")
    assert told in caught.value.message
    assert caught.value.hint


def test_a_hook_out_of_allowed_things_is_refused(tmp_path):
    model = nn.Linear(2, 2)
    model._forward_hooks = OrderedDict({0: nn.functional.relu})
    torch.save(model, tmp_path / "m.pt")
    with pytest.raises(ModelFileError) as caught:
        load(tmp_path / "m.pt")
    assert "with functions in _forward_hooks" in caught.value.message


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_a_hook_of_an_allowed_class_is_kept(tmp_path):
    model = nn.utils.weight_norm(nn.Linear(2, 2))
    torch.save(model, tmp_path / "m.pt")
    name = "torch.nn.utils.weight_norm.WeightNorm"
    with pytest.raises(RefusedError) as caught:
        load(tmp_path / "m.pt")
    assert caught.value.wants == (name,)
    loaded = load(tmp_path / "m.pt", trust=Trust(names=frozenset({name}))).module
    x = torch.ones(1, 2)
    assert torch.equal(loaded(x), model(x))


def test_hooks_and_attributes_of_tensors_are_left_behind(tmp_path):
    model = nn.Linear(2, 2)
    vars(model.weight)["note"] = "hello"
    torch.save(model, tmp_path / "m.pt")
    loaded = load(tmp_path / "m.pt").module
    assert not hasattr(loaded.weight, "note")
    assert loaded.weight._backward_hooks is None


def test_names_of_layers_are_safe_to_print(tmp_path):
    nasty = "a\x1b[31m\n::add-mask::b\u202ec"
    model = nn.Sequential(OrderedDict([(nasty, nn.Linear(2, 2))]))
    torch.save(model, tmp_path / "m.pt")
    torch.save(model.state_dict(), tmp_path / "s.pt")
    safe = "a\\x1b[31m\\x0a::add-mask::b\\u202ec"
    for trust in (NO_TRUST, TRUSTED):
        whole = load(tmp_path / "m.pt", trust=trust).module
        assert [name for name, _ in whole.named_parameters()] == [f"{safe}.weight", f"{safe}.bias"]
        assert whole(torch.ones(1, 2)).shape == (1, 2)
    assert list(load(tmp_path / "s.pt").state) == [f"{safe}.weight", f"{safe}.bias"]


def test_names_that_become_the_same_stay_apart(tmp_path):
    torch.save({"a\n": torch.zeros(1), "a\\x0a": torch.ones(2)}, tmp_path / "s.pt")
    assert list(load(tmp_path / "s.pt").state) == ["a\\x0a", "a\\x0a_"]


def test_the_stand_ins_cover_torch_nn_and_none_is_the_real_thing():
    table = stand_ins()
    for cls in (nn.Linear, nn.LSTM, nn.MultiheadAttention, nn.Sequential, nn.CrossEntropyLoss):
        name = f"{cls.__module__}.{cls.__name__}"
        assert table[name] is not cls
        assert table[name].stands_for is cls
    for name, value in table.items():
        ours = getattr(value, "__module__", type(value).__module__)
        assert ours.startswith(("actdiag.load.", "actdiag.arrays")), name
    assert len(module_classes()) > 100
