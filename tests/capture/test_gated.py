"""Gated networks as groups, from the sites and modules of the catalogue's models."""

import pytest
import torch
from torch import nn

from actdiag.capture import Capture
from actdiag.capture.gated import gated_units
from tests.capture.catalogue.blocks import BLOCKS
from tests.capture.catalogue.case import drawn
from tests.capture.catalogue.formulas import FORMULAS
from tests.capture.catalogue.gated import GATED
from tests.capture.catalogue.gates import GATES

CASES = {case.name: case for kept in (GATED, GATES, BLOCKS, FORMULAS) for case in kept.cases}
X = drawn(4, 5, 6)


def units_of(model, x=X):
    with Capture(model) as capture:
        capture.run((x,), {}, len(x))
        return gated_units(capture.sites(), capture.modules())


# kind, gate, value, layers, down, hidden, fused, parameters, of a two-matrix network
EXPECTED = {
    "SwiGLU": ("swiglu", "silu", "both", ("both",), "down", 8, True, 166, 110),
    "GeGLU": ("geglu", "gelu", "both", ("both",), "down", 8, True, 166, 110),
    "ReGLU": ("reglu", "relu", "both", ("both",), "down", 8, True, 166, 110),
    "Bilinear": ("bilinear", None, "both", ("both",), "down", 8, True, 166, 110),
    "FunctionGLU": ("glu", "glu/gate", "both", ("both",), "down", 8, True, 166, 110),
    "module_glu": ("glu", "1/gate", "0", ("0",), "2", 8, True, 166, 110),
    "convolutional_glu": ("glu", "1/gate", "0", ("0",), "2", 4, True, 234, 122),
    "module_geglu": ("geglu", "0/gelu", "0.proj", ("0.proj",), "2", 8, True, 166, 110),
    "Llama": (
        *("swiglu", "act_fn", "up_proj", ("gate_proj", "up_proj"), "down_proj"),
        *(8, False, 144, 96),
    ),
    "BilinearMatrices": ("bilinear", None, "v", ("w", "v"), "down", 8, False, 166, 110),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_gate_value_product_and_parameters(name):
    case = CASES[name]
    torch.manual_seed(0)
    model, (x, *_) = case.build(), case.batches[0]
    [unit] = units_of(model, x)
    found = (unit.kind, unit.gate, unit.value, unit.layers, unit.down, unit.hidden, unit.fused)
    assert (*found, unit.parameters, unit.two_matrix_parameters) == EXPECTED[name]


@pytest.mark.parametrize(
    "name", ["Highway", "SqueezeExcite", "WaveNet", "LearnedSwish", "Experts", "Residual"]
)
def test_other_gates_are_no_feed_forward_networks(name):
    case = CASES[name]
    assert units_of(case.build(), case.batches[0][0]) == ()


def test_each_layer_has_its_own():
    model = nn.Sequential(*(CASES["Llama"].build() for _ in range(3)))
    assert [unit.name for unit in units_of(model)] == ["0", "1", "2"]
    assert [unit.gate for unit in units_of(model)] == ["0.act_fn", "1.act_fn", "2.act_fn"]


def test_shut_gates_are_counted_by_unit():
    model = CASES["Llama"].build()
    with torch.no_grad():
        model.gate_proj.weight[:3] = 0
    with Capture(model) as capture:
        for _ in range(2):
            capture.run((X,), {}, len(X))
        gate = next(site for site in capture.sites() if site.name == "act_fn")
    with torch.no_grad():
        values = model.act_fn(model.gate_proj(X)).flatten(0, 1)
    assert gate.per_unit.shut == tuple((2 * (values.abs() < 0.01).sum(0)).tolist())
    assert gate.per_unit.shut[:3] == (40, 40, 40)


def test_what_is_no_gate_has_no_such_count():
    with Capture(nn.Sequential(nn.Linear(6, 4), nn.ReLU())) as capture:
        capture.run((X,), {}, len(X))
        assert all(site.per_unit.shut == () for site in capture.sites() if site.per_unit)
