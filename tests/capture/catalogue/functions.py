"""Activations that are no modules of torch."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

FUNCTIONS = Catalogue()
X = drawn(4, 6)


@FUNCTIONS.case("", X)
class SquaredRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third, self.head = (nn.Linear(6, 6) for _ in range(4))

    def forward(self, x):
        x = F.relu(self.first(x)).square()
        x = torch.pow(self.second(x).clamp(min=0), 2)
        h = F.relu(self.third(x))
        return self.head(h * h)


@FUNCTIONS.case("", X)
class HuggingFaceActivations(nn.Module):
    def __init__(self):
        super().__init__()
        from transformers.activations import ACT2FN

        self.layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(6))
        names = ("gelu_new", "quick_gelu", "relu2", "gelu_fast", "silu", "gelu_10")
        self.acts = nn.ModuleList(ACT2FN[name] for name in names)

    def forward(self, x):
        for layer, act in zip(self.layers, self.acts, strict=True):
            x = act(layer(x))
        return x


@FUNCTIONS.case("", X)
class ActivationAsAttribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.act = nn.Linear(6, 5), F.gelu

    def forward(self, x):
        return self.act(self.layer(x)) + 1


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return gradient * s * (1 + x * (1 - s))


@FUNCTIONS.case("", X)
class AutogradFunction(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.head(Swish.apply(self.layer(x)))


@FUNCTIONS.case("", X)
class SwishModule(nn.Module):
    """A user's own activation class without parameters."""

    def __init__(self):
        super().__init__()

        class Swish(nn.Module):
            def forward(self, x):
                return x * torch.sigmoid(x)

        self.net = nn.Sequential(nn.Linear(6, 5), Swish(), nn.Linear(5, 2))

    def forward(self, x):
        return self.net(x)


@FUNCTIONS.case("", X)
class LearnedSwish(nn.Module):
    """Its slope is a parameter, so it is none of the catalogue's."""

    def __init__(self):
        super().__init__()
        self.layer, self.beta = nn.Linear(6, 5), nn.Parameter(torch.full((5,), 1.5))

    def forward(self, x):
        x = self.layer(x)
        return x * torch.sigmoid(self.beta * x)


@FUNCTIONS.case("", X)
class Sine(nn.Module):
    """SIREN: the sine is in no catalogue, and told as not understood."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(torch.sin(30 * self.first(x)))


@FUNCTIONS.case("", X)
class ScaledTanh(nn.Module):
    """LeCun's 1.7159 tanh(2x/3): the tanh is seen, its scale is a linear step."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(1.7159 * torch.tanh(2 / 3 * self.first(x)))


@FUNCTIONS.case("", X)
class Maxout(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 10), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(self.first(x).view(-1, 5, 2).max(dim=-1).values)


@FUNCTIONS.case("", X)
class Lambda(nn.Module):
    """An activation kept in a lambda and one chosen by name from torch."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)
        self.act, self.other = lambda x: F.leaky_relu(x, 0.2), getattr(torch, "tanh")  # noqa: B009

    def forward(self, x):
        return self.other(self.second(self.act(self.first(x))))
