"""Layers in containers, layers outside of any, layers not always called."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

CALLS = Catalogue()
X = drawn(4, 6)


@CALLS.case(
    """
    input input input 6
    layers.0 linear linear 6 input
    relu activation relu 6 layers.0
    layers.1 linear linear 4 relu
    relu#2 activation relu 4 layers.1
    heads.a linear linear 2 relu#2 (answer)
    heads.b linear linear 3 relu#2
    """,
    X,
)
class Loops(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 4)])
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 3)})

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).relu()
        return {name: head(x) for name, head in self.heads.items()}


@CALLS.case(
    """
    input input input 6
    first linear linear 6 input
    relu activation relu 6 first
    extra linear linear 6 relu
    tanh activation tanh 6 extra
    head linear linear 2 relu tanh (answer)
    """,
    batches=((X - 9,), (X + 9,)),
)
class SometimesCalled(nn.Module):
    """The second batch takes a way that the first did not."""

    def __init__(self):
        super().__init__()
        self.first, self.extra, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        h = torch.relu(self.first(x))
        if x.mean() > 0:
            h = torch.tanh(self.extra(h))
        return self.head(h)


@CALLS.case(
    """
    input input input 6
    linear linear linear 6 input
    relu activation relu 6 linear (answer)
    """,
    batches=((X,), (X[:, :4],)),
    note="Width differs between batches",
)
class WidthDiffers(nn.Module):
    """A lazy habit: the layer is cut to the width of the batch."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        width = x.shape[1]
        return torch.relu(F.linear(x, self.layer.weight[:width, :width]))


@CALLS.case(
    """
    input input input 6
    linear linear linear 5 input
    relu activation relu 5 linear
    linear#2 linear linear 2 relu (answer)
    """,
    X,
)
class PrimitiveOutsideModules(nn.Module):
    """Layers kept in a plain list, which torch does not know of."""

    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)]

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x)
        return x
