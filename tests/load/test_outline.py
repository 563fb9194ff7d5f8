"""What is told of files that may not be loaded: nothing runs, and it is what loading would give."""

from __future__ import annotations

import io
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.load import Trust, load_model
from actdiag.load.anatomy import anatomy
from actdiag.load.inert import Made, Named, read_inert
from actdiag.load.layers import layers_of_module, layers_of_state
from actdiag.load.outline import outline

OLD = {"_use_new_zipfile_serialization": False}


class Block(nn.Module):
    """Keeps an activation as an attribute, and a buffer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 4)
        self.act = F.relu
        self.register_buffer("scale", torch.ones(2))

    def forward(self, x):
        return self.act(self.inner(x))


class Tied(nn.Module):
    """An embedding whose matrix is the head's too, and frozen weights."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.GELU(approximate="tanh")])
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.blocks[0].bias.requires_grad_(False)

    def forward(self, x):
        return self.head(self.blocks[1](self.blocks[0](self.embed(x))))


def told(layers):
    """What must agree: names, classes, tensors, functions."""
    return [
        (x.name, x.depth, x.class_path, x.tensors, x.function, x.functions, x.settings)
        for x in layers
    ]


@pytest.mark.parametrize("make", [Block, Tied])
@pytest.mark.parametrize("options", [{}, OLD, {"pickle_protocol": 4}], ids=["zip", "old", "p4"])
def test_an_outline_says_what_the_loaded_module_would(tmp_path, make, options):
    path = tmp_path / "model.pt"
    torch.save(make(), path, **options)
    body = anatomy(str(path))
    assert not body.trust.safe
    assert not body.opened
    module = load_model(str(path), trust=Trust(everything=True)).module
    assert module is not None
    assert told(body.layers) == told(layers_of_module(module))
    assert body.class_name == make.__name__


def test_a_checkpoint_around_a_module_tells_its_training(tmp_path):
    model = Tied()
    adam = torch.optim.Adam(model.parameters(), lr=0.25, weight_decay=0.5)
    path = tmp_path / "model.pt"
    torch.save({"net": model, "optimizer": adam.state_dict(), "epoch": 7}, path)
    body = anatomy(str(path))
    assert told(body.layers) == told(layers_of_module(model))
    assert body.training == {"lr": 0.25, "weight_decay": 0.5, "epoch": 7}


def test_a_state_dict_that_needs_trust_for_something_else(tmp_path):
    model = Tied()
    path = tmp_path / "model.pt"
    torch.save({"state_dict": model.state_dict(), "config": Block()}, path)
    body = anatomy(str(path))
    assert body.format == "state-dict"
    assert [layer.name for layer in body.layers] == [
        layer.name for layer in layers_of_state(model.state_dict())
    ]
    assert sum(t.shared for layer in body.layers for t in layer.tensors) == 1


def test_functions_called_in_scripted_code_are_read_as_text(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.act = nn.Linear(3, 4), nn.Linear(4, 2), nn.Tanh()

        def forward(self, x):
            return torch.sigmoid(self.b(self.act(torch.relu(self.a(x)))))

    path = tmp_path / "model.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Net(), torch.zeros(1, 3)).save(str(path))
    body = anatomy(str(path))
    layers = {layer.name: layer for layer in body.layers}
    assert layers[""].functions == {"torch.relu": "relu", "torch.sigmoid": "sigmoid"}
    assert layers["act"].function == "tanh"
    assert [t.shape for t in layers["a"].tensors] == [(4, 3), (4,)]
    assert body.sees_functions


def test_an_exported_program_is_read_from_its_json(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 4), nn.GELU())
            self.attend = nn.Linear(4, 4)

        def forward(self, x):
            h = F.silu(self.body(x))
            return F.scaled_dot_product_attention(h, self.attend(h), h)

    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Net().eval(), (torch.zeros(2, 3, 4),)), path)
    body = anatomy(str(path))
    layers = {layer.name: layer for layer in body.layers}
    assert set(layers[""].functions.values()) == {"silu", "softmax"}
    assert layers["body.1"].function == "gelu"
    assert layers["body.1"].functions == {}
    assert layers["attend"].tensors[0].shape == (4, 4)
    assert [layer.name for layer in body.layers] == ["", "body", "body.0", "body.1", "attend"]
    assert body.class_name == "Net"


def test_nothing_is_called_or_looked_up():
    class Calls:
        def __reduce__(self):
            return print, ("no",)

    made = read_inert(pickle.dumps([Calls(), torch.nn.Linear], 2))
    assert isinstance(made[0], Made)
    assert (made[0].name, made[0].arguments) == ("builtins.print", ("no",))
    assert isinstance(made[1], Named)
    assert made[1].name == "torch.nn.modules.linear.Linear"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80\x02",
        b"\x80\x02K\x01K\x02R.",  # a call of a number
        b"\x80\x02]K\x05K\x06s.",  # an entry set beyond a list
        b"\x80\x02cnowhere\nthing\n\x8a\x01\x00s.",
        b"\x80\x02\x82\x07.",  # an extension
    ],
)
def test_damaged_pickles_say_so(raw):
    with pytest.raises(ValueError, match="pickle"):
        read_inert(raw)


def test_a_module_that_contains_itself_is_told_once():
    raw = io.BytesIO()
    module = nn.Sequential(nn.Linear(2, 2))
    module._modules["again"] = module
    pickle.dump(module, raw, 2)
    layers = outline(read_inert(raw.getvalue())).layers
    assert [layer.name for layer in layers] == ["", "0"]


def test_shapes_that_no_file_can_hold_are_no_shapes():
    tensor = "ctorch._utils\n_rebuild_tensor_v2\n"
    raw = f"\x80\x02}}X\x01\x00\x00\x00w{tensor}(NK\x00(L99999999999999999999L\nttRs.".encode(
        "latin1"
    )
    (layer,) = outline(read_inert(raw)).layers
    assert layer.tensors[0].shape is None


def test_names_of_hostile_layers_are_made_safe(tmp_path):
    path = tmp_path / "model.pt"
    state = {"\x1b[31mred\n::add-mask::x.weight": torch.ones(2, 2), "b.<script>": torch.ones(1)}
    torch.save(state, path)
    body = anatomy(str(path))
    names = [layer.name + t.name for layer in body.layers for t in (*layer.tensors, layer)]
    assert all(name.isprintable() for name in names)
