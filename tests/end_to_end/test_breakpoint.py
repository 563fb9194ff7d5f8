"""Scanned from inside a training step, as one does at a breakpoint: everything stays as it was."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import actdiag


class Net(nn.Module):
    """Everything that a scan could disturb: statistics, dropout, a hook, a frozen weight."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, 16), nn.BatchNorm1d(16)
        self.drop, self.last = nn.Dropout(0.5), nn.Linear(16, 2)
        self.drop.eval()
        self.first.bias.requires_grad = False

    def forward(self, x):
        return self.last(self.drop(torch.relu(self.norm(self.first(x)))))


def trained(inspect):
    """A training step's gradients and the model after it; ``inspect`` is called in its middle."""
    torch.manual_seed(0)
    model = Net().train()
    model.drop.eval()
    x, y = torch.randn(120, 4), torch.arange(120) % 2
    F.cross_entropy(model(x), y).backward()  # gradients that lie there already
    once = []

    def hook(_module, _args, _output):
        if not once:
            once.append(1)
            once.append(inspect(model, (x, y)))

    handle = model.norm.register_forward_hook(hook)
    torch.manual_seed(1)
    model.drop.train()
    F.cross_entropy(model(x), y).backward()
    handle.remove()
    return model, torch.get_rng_state(), once[1]


@pytest.mark.parametrize("steps", ["cheap", "all"])
def test_a_training_step_does_not_notice_a_scan_in_its_middle(steps):
    def inspect(model, data):
        modes = [module.training for module in model.modules()]
        hooks = [len(module._forward_hooks) for module in model.modules()]
        asked = [item.requires_grad for item in model.parameters()]
        report = actdiag.scan(model, data, steps=steps, gradients=True)
        assert torch.is_grad_enabled()
        assert modes == [module.training for module in model.modules()]
        assert hooks == [len(module._forward_hooks) for module in model.modules()]
        assert asked == [item.requires_grad for item in model.parameters()]
        return report

    model, random, report = trained(inspect)
    plain, random_without, _ = trained(lambda _model, _data: None)
    for name, value in model.state_dict().items():
        assert torch.equal(value, plain.state_dict()[name]), name
    for (name, item), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert (item.grad is None) == (other.grad is None), name
        assert item.grad is None or torch.equal(item.grad, other.grad), name
    assert torch.equal(random, random_without)
    assert report.scan.data.samples == 120
    assert "relu" in [site.name for site in report.scan.sites]


def test_without_gradients_wanted_none_are_made():
    model, x = Net(), torch.randn(120, 4)
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        report = actdiag.scan(model, x)
        assert not torch.is_grad_enabled()
    assert all(item.grad is None for item in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert report.diagnoses == actdiag.diagnose(report)


def test_a_report_is_read_where_one_stands():
    report = actdiag.scan(Net(), torch.randn(120, 4))
    assert "LAYERS" in str(report)
    assert str(report) == report.__rich__().plain
    assert report._repr_html_().startswith("<!DOCTYPE html>")
    frame = report.to_frame()
    assert list(frame["name"]) == [site.name for site in report.scan.sites]
    assert {"mean", "std", "dead_units", "q0.5"} <= set(frame.columns)
