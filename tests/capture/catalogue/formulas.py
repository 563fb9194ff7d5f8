"""Functions written out, or in no catalogue."""

import torch
from torch import nn

from tests.capture.catalogue.case import Catalogue, drawn

FORMULAS = Catalogue()
X = drawn(4, 6)


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


@FORMULAS.case(
    """
    input input input 6
    layer linear linear 5 input
    silu activation silu 5 layer
    head linear linear 2 silu (answer)
    """,
    X,
)
class AutogradFunction(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.head(Swish.apply(self.layer(x)))


@FORMULAS.case(
    """
    input input input 6
    layer linear linear 5 input
    sigmoid gate sigmoid 5 layer
    mul gated-product mul 5 layer sigmoid (answer)
    """,
    X,
)
class LearnedSwish(nn.Module):
    """Its slope is a parameter, so it is none of the catalogue's."""

    def __init__(self):
        super().__init__()
        self.layer, self.beta = nn.Linear(6, 5), nn.Parameter(torch.full((5,), 1.5))

    def forward(self, x):
        x = self.layer(x)
        return x * torch.sigmoid(self.beta * x)


@FORMULAS.case(
    """
    input input input 6
    first linear linear 5 input
    sin block sin 5 first
    second linear linear 3 sin (answer)
    """,
    X,
    unknown=("sin",),
)
class Sine(nn.Module):
    """SIREN: the sine is in no catalogue, and told as not understood."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(torch.sin(30 * self.first(x)))


@FORMULAS.case(
    """
    input input input 6
    first linear linear 5 input
    tanh activation tanh 5 first
    second linear linear 3 tanh (answer)
    """,
    X,
)
class ScaledTanh(nn.Module):
    """LeCun's 1.7159 tanh(2x/3): the tanh is seen, its scale is a linear step."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(1.7159 * torch.tanh(2 / 3 * self.first(x)))


@FORMULAS.case(
    """
    input input input 6
    first linear linear 10 input
    second linear linear 3 first (answer)
    """,
    X,
)
class Maxout(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 10), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(self.first(x).view(-1, 5, 2).max(dim=-1).values)
