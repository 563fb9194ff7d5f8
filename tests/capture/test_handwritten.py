"""Activations written out are one site, with the numbers of the function they are."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag.capture import Capture


def zeroed(x):
    x = x.clone()
    x[x < 0] = 0
    return x


FORMS = {
    "relu by clamp": ("relu", lambda x: x.clamp(min=0)),
    "relu by clamp in place": ("relu", lambda x: x.clone().clamp_(min=0)),
    "relu by maximum with zero": ("relu", lambda x: torch.maximum(x, torch.zeros_like(x))),
    "relu by maximum with a scalar tensor": ("relu", lambda x: torch.max(x, torch.tensor(0.0))),
    "relu by where": ("relu", lambda x: torch.where(x > 0, x, 0.0)),
    "relu by where on zeros": ("relu", lambda x: torch.where(x > 0, x, torch.zeros_like(x))),
    "relu by masked_fill": ("relu", lambda x: x.masked_fill(x < 0, 0.0)),
    "relu by a mask": ("relu", lambda x: x * (x > 0)),
    "leaky relu by where": ("leaky_relu", lambda x: torch.where(x > 0, x, 0.01 * x)),
    "leaky relu by maximum": ("leaky_relu", lambda x: torch.maximum(x, 0.01 * x)),
    "elu by where": ("elu", lambda x: torch.where(x > 0, x, torch.exp(x) - 1)),
    "swish": ("silu", lambda x: x * torch.sigmoid(x)),
    "swish, the other way round": ("silu", lambda x: torch.sigmoid(x) * x),
    "swish in place": ("silu", lambda x: x.clone().mul_(torch.sigmoid(x))),
    "quick gelu": ("quick_gelu", lambda x: x * torch.sigmoid(1.702 * x)),
    "mish": ("mish", lambda x: x * torch.tanh(F.softplus(x))),
    "hard swish": ("hardswish", lambda x: x * F.relu6(x + 3) / 6),
    "gelu by erf": ("gelu", lambda x: x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))),
    "gelu by tanh": (
        "gelu_tanh",
        lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "gelu by tanh and pow": (
        "gelu_tanh",
        lambda x: (
            0.5
            * x
            * (1.0 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))
        ),
    ),
    "relu by abs": ("relu", lambda x: (x + x.abs()) / 2),
    "relu by writing": ("relu", zeroed),
    "sigmoid by exp": ("sigmoid", lambda x: 1 / (1 + torch.exp(-x))),
    "sigmoid by reciprocal": ("sigmoid", lambda x: torch.exp(-x).add(1).reciprocal()),
    "softsign": ("softsign", lambda x: x / (1 + x.abs())),
}


class Net(nn.Module):
    """A linear layer, the activation, a head."""

    def __init__(self, form):
        super().__init__()
        self.first, self.head, self.form = nn.Linear(6, 9), nn.Linear(9, 2), form

    def forward(self, x):
        return self.head(self.form(self.first(x)))


def captured(model, batches):
    with Capture(model) as capture:
        for batch in batches:
            capture.run((batch,), {}, len(batch))
        return capture.sites(), capture.coverage()


@pytest.mark.parametrize("form", FORMS)
def test_it_is_one_site_with_the_functions_numbers(form):
    name, function = FORMS[form]
    torch.manual_seed(0)
    model = Net(function)
    with torch.no_grad():
        model.first.bias[0] = -40.0
    batches = [torch.randn(40, 6) * 3 for _ in range(3)]
    sites, coverage = captured(model, batches)
    assert [(s.name, s.role.value, s.function) for s in sites[2:-1]] == [(name, "activation", name)]
    assert coverage.functions_not_captured == ()
    site = sites[2]
    assert site.inputs == ("first",)
    assert sites[-1].inputs == (name,)

    from actdiag import functions

    row = functions.get(name)
    with torch.no_grad():
        x = torch.cat([model.first(batch) for batch in batches]).double()
    assert site.stats.elements == x.numel()
    slope = row.slope(x, torch, **row.settings).mean().item()
    assert site.stats.mean_slope == pytest.approx(slope, abs=1e-5)
    y = row.value(x, torch, **row.settings)
    assert site.stats.mean == pytest.approx(y.mean().item(), rel=1e-4, abs=1e-5)
    if row.clips_at_zero:
        assert site.stats.dead_units == int((y.max(0).values <= 0).sum())


STARTS = {
    "a sum": lambda x, w: x @ w + x.sum(-1, keepdim=True),
    "a sum of layers": lambda x, w: x @ w + x.flip(0) @ w,
    "a sum that was moved": lambda x, w: (x @ w + x.flip(0) @ w).transpose(0, 1),
    "a view": lambda x, w: torch.addmm(x.new_ones(9), x.reshape(-1, 6), w).view(*x.shape[:-1], 9),
    "a transpose": lambda x, w: (w.T @ x.transpose(-1, -2)).transpose(-1, -2),
}


AT_NO_SIDE = ("hard swish", "relu by abs", "sigmoid by exp")  # the last step has no x beside it
BEGINNINGS = [
    (form, start)
    for start in STARTS
    for form in (*sorted(FORMS)[::3], *AT_NO_SIDE, "relu by writing")
    if form not in AT_NO_SIDE or start != "a transpose"
]


@pytest.mark.parametrize(("form", "start"), sorted(set(BEGINNINGS)))
def test_it_need_not_begin_at_a_layers_own_output(form, start):
    name, function = FORMS[form]

    class Beginning(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(6, 9))

        def forward(self, x):
            return function(STARTS[start](x, self.weight))

    torch.manual_seed(0)
    sites, coverage = captured(Beginning(), [torch.randn(40, 5, 6)])
    assert [s.name for s in sites if s.role.value not in ("input", "linear", "block")] == [name]
    assert coverage.functions_not_captured == ()


def written(mask):
    def form(x):
        x = x.clone()
        x[mask(x)] = 0.0
        return x

    return captured(Net(form), [torch.randn(40, 6), torch.randn(40, 6)])


def test_a_write_by_the_values_that_is_no_activation_is_told():
    sites, coverage = written(lambda x: x.abs() < 0.1)
    assert [s.name for s in sites] == ["input", "first", "head"]
    assert coverage.functions_not_captured == ("setitem",)


def test_a_write_by_another_mask_is_none():
    sites, coverage = written(lambda x: torch.ones_like(x).tril() > 0)
    assert [s.name for s in sites] == ["input", "first", "head"]
    assert coverage.functions_not_captured == ()


@pytest.mark.parametrize("slope", [0.2, 0.01])
def test_a_leaky_relu_may_have_any_slope(slope):
    model = Net(lambda x: torch.max(slope * x, x))
    batch = torch.randn(40, 6)
    sites, _ = captured(model, [batch])
    assert sites[2].function == "leaky_relu"
    slopes = torch.where(model.first(batch) > 0, 1.0, slope)
    assert sites[2].stats.mean_slope == pytest.approx(slopes.mean().item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("factor", [1.0, 0.8, 0.5, 2.0])
def test_a_scaling_is_no_activation(factor, dtype):
    model = Net(lambda x: x * torch.full_like(x, factor)).to(dtype)
    sites, _ = captured(model, [torch.randn(40, 6).to(dtype) * scale for scale in (1, 0.01)])
    assert [s.role.value for s in sites] == ["input", "linear", "linear"]


def test_a_gate_is_not_taken_for_an_activation():
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 9), nn.Linear(6, 9)

        def forward(self, x):
            return self.a(x) * torch.sigmoid(self.b(x))

    sites, _ = captured(Gate(), [torch.randn(40, 6)])
    assert [(s.name, s.role.value) for s in sites[2:]] == [
        ("b", "linear"),
        ("sigmoid", "gate"),
        ("mul", "gated-product"),
    ]


def test_a_gate_behind_a_view_is_one():
    class SqueezeExcite(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 8)

        def forward(self, x):
            h = self.conv(x)
            w = torch.sigmoid(self.fc(h.mean((2, 3))))
            return h * w[:, :, None, None]

    sites, _ = captured(SqueezeExcite(), [torch.randn(4, 3, 6, 6)])
    assert {s.name: s.role.value for s in sites}["sigmoid"] == "gate"


def test_halves_of_one_matrix_are_gate_and_value():
    class Fused(nn.Module):
        def __init__(self):
            super().__init__()
            self.both, self.down = nn.Linear(6, 16), nn.Linear(8, 6)

        def forward(self, x):
            gate, value = self.both(x).chunk(2, dim=-1)
            return self.down(F.gelu(gate) * value)

    sites, _ = captured(Fused(), [torch.randn(40, 6)])
    assert [(s.name, s.role.value, s.units) for s in sites[1:]] == [
        ("both", "linear", 16),
        ("gelu", "gate", 8),
        ("mul", "gated-product", 8),
        ("down", "linear", 6),
    ]
