"""In-place calls, results written into other tensors, values outside of torch."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

IN_PLACE = Catalogue()
X = drawn(4, 6)


@IN_PLACE.case(
    """
    input input input 6
    a linear linear 6 input
    relu activation relu 6 a
    b linear linear 6 relu
    leaky_relu activation leaky_relu 6 b
    c linear linear 6 leaky_relu
    elu activation elu 6 c
    d linear linear 6 elu
    sigmoid activation sigmoid 6 d (answer)
    """,
    X,
)
class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(6, 6) for _ in range(4))

    def forward(self, x):
        x = self.a(x)
        x.relu_()
        x = F.leaky_relu_(self.b(x), 0.1)
        x = F.elu(self.c(x), inplace=True)
        h = self.d(x)
        h *= 2
        torch.sigmoid_(h)
        return h


@IN_PLACE.case(
    """
    input input input 6
    layer linear linear 5 input
    tanh activation tanh 5 layer (answer)
    """,
    X,
)
class OutArgument(nn.Module):
    """The result is written into a tensor made beforehand."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 5)

    def forward(self, x):
        h = self.layer(x)
        buffer = torch.empty_like(h)
        torch.tanh(h, out=buffer)
        return buffer * 2


@IN_PLACE.case(
    """
    input input input 6
    a linear linear 2 input
    relu activation relu 2 a
    b linear linear 3 input
    tanh activation tanh 3 b
    output output output 5 relu tanh (answer)
    """,
    X,
)
class Assigned(nn.Module):
    """Slices are written into one tensor."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 2), nn.Linear(6, 3)

    def forward(self, x):
        out = torch.zeros(len(x), 5)
        out[:, :2] = torch.relu(self.a(x))
        out[:, 2:] = torch.tanh(self.b(x))
        return out


@IN_PLACE.case(
    """
    input input input 6
    first linear linear 5 input
    second linear linear 2 first (answer)
    """,
    X,
    unknown=("numpy",),
)
class ForeignArrays(nn.Module):
    """Leaves torch for numpy and comes back."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, x):
        import numpy as np

        h = torch.from_numpy(np.maximum(self.first(x).numpy(), 0))
        return self.second(h)
