"""Modules called several times, shared weights, layers in containers, layers not always called."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids

REUSE = Catalogue()
X = drawn(4, 6)


@REUSE.case("", X)
class ThreeWidths(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 5), nn.Linear(5, 3)
        self.act = nn.Tanh()

    def forward(self, x):
        for layer in (self.a, self.b, self.c):
            x = self.act(layer(x))
        return x


@REUSE.case("", X)
class SharedLayer(nn.Module):
    """One layer under two names, called by both."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(6, 6)
        self.decode = self.encode

    def forward(self, x):
        return self.decode(torch.relu(self.encode(x)))


@REUSE.case("", ids(4, 5, below=11))
class TiedEmbedding(nn.Module):
    """The head's weight is the table of the embedding."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(11, 8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(torch.tanh(self.embed(tokens)))


@REUSE.case("", ids(4, 5, below=11))
class TransposedEmbedding(nn.Module):
    """The same by a product with the table itself."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 8)

    def forward(self, tokens):
        return torch.tanh(self.embed(tokens)) @ self.embed.weight.t()


@REUSE.case("", X)
class AutoEncoder(nn.Module):
    """The decoder is the encoder's matrix, transposed."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 3)

    def forward(self, x):
        return F.linear(torch.sigmoid(self.encoder(x)), self.encoder.weight.t())


@REUSE.case("", X)
class Loops(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 4)])
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 3)})

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).relu()
        return {name: head(x) for name, head in self.heads.items()}


@REUSE.case("", batches=((X - 9,), (X + 9,)))
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


@REUSE.case("", batches=((X,), (X[:, :4],)))
class WidthDiffers(nn.Module):
    """A lazy habit: the layer is cut to the width of the batch."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        width = x.shape[1]
        return torch.relu(F.linear(x, self.layer.weight[:width, :width]))


@REUSE.case("", X)
class Iterated(nn.Module):
    """One block applied three times."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(6, 6), nn.GELU())

    def forward(self, x):
        for _ in range(3):
            x = x + self.block(x)
        return x


@REUSE.case("", X)
class PrimitiveOutsideModules(nn.Module):
    """Layers kept in a plain list, which torch does not know of."""

    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)]

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x)
        return x
