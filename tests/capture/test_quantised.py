"""Layers that compute with 8-bit numbers between a quantising and a dequantising one."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import actdiag

pytestmark = [
    # torch says so of all of it, once in each process.
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:UserWarning"),
    pytest.mark.skipif(
        "fbgemm" not in torch.backends.quantized.supported_engines, reason="built without it"
    ),
]


@pytest.fixture
def layers():
    torch.manual_seed(0)
    return [nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)]


@pytest.fixture
def data():
    return torch.randn(200, 12, generator=torch.Generator().manual_seed(1))


def quantised(layers, data):
    tools = torch.ao.quantization
    model = nn.Sequential(tools.QuantStub(), *copy.deepcopy(layers), tools.DeQuantStub()).eval()
    model.qconfig = tools.get_default_qconfig("fbgemm")
    tools.prepare(model, inplace=True)
    model(data)
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        return tools.convert(model)
    finally:
        torch.backends.quantized.engine = before


def test_every_layer_and_activation_is_seen(layers, data):
    report = actdiag.scan(quantised(layers, data), data, steps="none")
    plain = actdiag.scan(nn.Sequential(*layers).eval(), data, steps="none")
    seen = {site.module: site for site in report.scan.sites}
    assert [seen[name].function for name in "12345"] == ["linear", "relu"] * 2 + ["linear"]
    for place, site in enumerate(plain.scan.sites[1:], start=1):
        ours = seen[str(place)]
        assert ours.stats.elements == site.stats.elements
        assert ours.stats.mean == pytest.approx(site.stats.mean, abs=0.05)


def test_a_dead_layer_is_found(layers, data):
    with torch.no_grad():
        layers[2].bias.fill_(-60)
    report = actdiag.scan(quantised(layers, data), data, steps="none")
    [dead] = [one for one in report.findings if one.code == "ACT101" and len(one.units) == 16]
    assert dead.site == "4"
