"""Models that transform functions of their own: torch.vmap, torch.func.grad, gradients inside."""

import pytest
import torch
from torch import nn

import actdiag
from actdiag.capture import Capture

X = torch.randn(120, 6, generator=torch.Generator().manual_seed(0))


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(3, 6, 4))
        self.inner, self.head = nn.Linear(6, 4), nn.Linear(12, 2)


class Ensemble(Outer):
    """Several weights, one input."""

    def forward(self, x):
        found = torch.vmap(lambda weight: torch.relu(x @ weight), out_dims=1)(self.weights)
        return self.head(found.flatten(1))


class Each(Outer):
    """A function of one sample, with a module in it."""

    def forward(self, x):
        found = torch.vmap(lambda row: torch.relu(self.inner(row)))(x)
        return self.head(torch.cat([found] * 3, 1))


class Slope(Outer):
    """The gradient of a function of the input."""

    def forward(self, x):
        found = torch.func.grad(lambda rows: torch.tanh(self.inner(rows)).sum())(x)
        return self.head(torch.cat([found] * 2, 1))


@pytest.mark.parametrize(("model", "told"), [(Ensemble, "vmap"), (Each, "vmap"), (Slope, "grad")])
def test_what_is_inside_a_transform_is_told_and_the_rest_is_seen(model, told):
    torch.manual_seed(0)
    net = model().eval()
    expected = net(X).detach()
    with Capture(net) as capture:
        output = capture.run((X,), {}, len(X))
        assert capture.failure is None
        assert torch.allclose(output.detach(), expected)
        assert [site.name for site in capture.sites()] == ["input", "head"]
        unknown = capture.coverage().functions_not_captured
        assert {name.rpartition("/")[2] for name in unknown} == {told}


class Forces(nn.Module):
    """Forces are the slope of an energy, which needs autograd in the forward."""

    def __init__(self):
        super().__init__()
        self.inner, self.energy = nn.Linear(6, 5), nn.Linear(5, 1)

    def forward(self, x):
        x = x.clone().requires_grad_()
        energy = self.energy(torch.tanh(self.inner(x)))
        return energy, -torch.autograd.grad(energy.sum(), x)[0]


def test_a_forward_that_takes_gradients_gets_them():
    model = Forces()
    report = actdiag.scan(model, [X[:60], X[60:]], steps="none")
    assert report.scan.coverage.failure is None
    assert report.scan.data.samples == 120
    tanh = next(site for site in report.scan.sites if site.name == "tanh")
    assert tanh.stats.elements == 120 * 5
    assert all(parameter.grad is None for parameter in model.parameters())
