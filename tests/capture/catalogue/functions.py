"""Activations of other libraries and of the user, that are no modules of torch."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

FUNCTIONS = Catalogue()
X = drawn(4, 6)


@FUNCTIONS.case(
    """
    input input input 6
    first linear linear 6 input
    relu_squared activation relu_squared 6 first
    second linear linear 6 relu_squared
    relu_squared#2 activation relu_squared 6 second
    third linear linear 6 relu_squared#2
    relu_squared#3 activation relu_squared 6 third
    head linear linear 6 relu_squared#3 (answer)
    """,
    X,
)
class SquaredRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third, self.head = (nn.Linear(6, 6) for _ in range(4))

    def forward(self, x):
        x = F.relu(self.first(x)).square()
        x = torch.pow(self.second(x).clamp(min=0), 2)
        h = F.relu(self.third(x))
        return self.head(h * h)


@FUNCTIONS.case(
    """
    input input input 6
    layers.0 linear linear 6 input
    acts.0 activation gelu_tanh 6 layers.0
    layers.1 linear linear 6 acts.0
    acts.1 activation quick_gelu 6 layers.1
    layers.2 linear linear 6 acts.1
    acts.2 activation relu_squared 6 layers.2
    layers.3 linear linear 6 acts.2
    acts.3 activation gelu_tanh 6 layers.3
    layers.4 linear linear 6 acts.3
    acts.4 activation silu 6 layers.4
    layers.5 linear linear 6 acts.4
    acts.5/gelu activation gelu 6 layers.5
    acts.5/clip block clip 6 acts.5/gelu (answer)
    """,
    X,
    unknown=("acts.5/clip",),
)
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


@FUNCTIONS.case(
    """
    input input input 6
    layer linear linear 5 input
    gelu activation gelu 5 layer (answer)
    """,
    X,
)
class ActivationAsAttribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.act = nn.Linear(6, 5), F.gelu

    def forward(self, x):
        return self.act(self.layer(x)) + 1


@FUNCTIONS.case(
    """
    input input input 6
    net.0 linear linear 5 input
    net.1/silu activation silu 5 net.0
    net.2 linear linear 2 net.1/silu (answer)
    """,
    X,
)
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


@FUNCTIONS.case(
    """
    input input input 6
    first linear linear 5 input
    leaky_relu activation leaky_relu 5 first
    second linear linear 3 leaky_relu
    tanh activation tanh 3 second (answer)
    """,
    X,
)
class Lambda(nn.Module):
    """An activation kept in a lambda and one chosen by name from torch."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)
        self.act, self.other = lambda x: F.leaky_relu(x, 0.2), getattr(torch, "tanh")  # noqa: B009

    def forward(self, x):
        return self.other(self.second(self.act(self.first(x))))
