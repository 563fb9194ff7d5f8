"""In-place calls, other dtypes, models without parameters, and forwards that fail."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids

ODD = Catalogue()
X = drawn(4, 6)


@ODD.case("", X)
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


@ODD.case("", X)
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


@ODD.case("", X)
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


@ODD.case("", X.bfloat16())
def bfloat16():
    return nn.Sequential(nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 2)).bfloat16()


@ODD.case("", X.half())
def float16():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)).half()


@ODD.case("", X)
class Spectrum(nn.Module):
    """Complex numbers in between."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4, dtype=torch.complex64))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(torch.relu(torch.fft.irfft(torch.fft.rfft(x) * self.scale, n=6)))


@ODD.case("", X)
class ComplexAnswer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x):
        return torch.fft.fft(self.layer(x))


@ODD.case("", X)
class NoParameters(nn.Module):
    def forward(self, x):
        return torch.softmax(torch.relu(x), dim=-1)


@ODD.case("", X)
def nothing_to_see():
    return nn.Identity()


@ODD.case("", ids(4, 5, below=9))
class Counts(nn.Module):
    """Integers in, integers out."""

    def forward(self, x):
        return torch.stack([row.bincount(minlength=9) for row in x])


@ODD.case("", X)
class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(4, 3))

    def forward(self, x):
        return self.body(x)


@ODD.case("", batches=((X,), (X * 100,)))
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


@ODD.case("", X)
class ForeignArrays(nn.Module):
    """Leaves torch for numpy and comes back."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, x):
        import numpy as np

        h = torch.from_numpy(np.maximum(self.first(x).numpy(), 0))
        return self.second(h)
