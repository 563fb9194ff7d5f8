"""Forwards that raise."""

import torch
from torch import nn

from tests.capture.catalogue.case import Catalogue, drawn

FAILURES = Catalogue()
X = drawn(4, 6)


@FAILURES.case(
    """
    input input input 6
    body.0 linear linear 5 input
    body.1 activation tanh 5 body.0
    """,
    X,
    failure="body.2",
)
class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(4, 3))

    def forward(self, x):
        return self.body(x)


@FAILURES.case(
    """
    input input input 6
    layer linear linear 5 input
    relu activation relu 5 layer (answer)
    """,
    batches=((X,), (X * 100,)),
    failure="",
)
class RaisesLater(nn.Module):
    """The first batch goes well."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 5)

    def forward(self, x):
        h = torch.relu(self.layer(x))
        if h.max() > 20:
            message = "too large"
            raise ValueError(message)
        return h + 1
