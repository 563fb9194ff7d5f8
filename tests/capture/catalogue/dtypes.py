"""Other dtypes, and nothing to learn."""

import torch
from torch import nn

from tests.capture.catalogue.case import Catalogue, drawn, ids

DTYPES = Catalogue()
X = drawn(4, 6)


@DTYPES.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation gelu 5 0
    2 linear linear 2 1 (answer)
    """,
    X.bfloat16(),
)
def bfloat16():
    return nn.Sequential(nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 2)).bfloat16()


@DTYPES.case(
    """
    input input input 6
    0 linear linear 5 input
    1 activation relu 5 0
    2 linear linear 2 1 (answer)
    """,
    X.half(),
)
def float16():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)).half()


@DTYPES.case(
    """
    input input input 6
    relu activation relu 6 input
    head linear linear 2 relu (answer)
    """,
    X,
)
class Spectrum(nn.Module):
    """Complex numbers in between."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4, dtype=torch.complex64))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(torch.relu(torch.fft.irfft(torch.fft.rfft(x) * self.scale, n=6)))


@DTYPES.case(
    """
    input input input 6
    layer linear linear 4 input
    output output output 4 layer (answer)
    """,
    X,
)
class ComplexAnswer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x):
        return torch.fft.fft(self.layer(x))


@DTYPES.case(
    """
    input input input 6
    relu activation relu 6 input
    softmax activation softmax 6 relu (answer)
    """,
    X,
)
class NoParameters(nn.Module):
    def forward(self, x):
        return torch.softmax(torch.relu(x), dim=-1)


@DTYPES.case(
    """
    input input input 6
    output output output 6 input (answer)
    """,
    X,
)
def nothing_to_see():
    return nn.Identity()


@DTYPES.case(
    """
    input input input ?
    """,
    ids(4, 5, below=9),
)
class Counts(nn.Module):
    """Integers in, integers out."""

    def forward(self, x):
        return torch.stack([row.bincount(minlength=9) for row in x])
