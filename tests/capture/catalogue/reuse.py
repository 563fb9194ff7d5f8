"""Modules called several times, and shared weights."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn, ids

REUSE = Catalogue()
X = drawn(4, 6)


@REUSE.case(
    """
    input input input 6
    a linear linear 8 input
    act activation tanh 8 a
    b linear linear 5 act
    act#2 activation tanh 5 b
    c linear linear 3 act#2
    act#3 activation tanh 3 c (answer)
    """,
    X,
)
class ThreeWidths(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 5), nn.Linear(5, 3)
        self.act = nn.Tanh()

    def forward(self, x):
        for layer in (self.a, self.b, self.c):
            x = self.act(layer(x))
        return x


@REUSE.case(
    """
    input input input 6
    encode linear linear 6 input
    relu activation relu 6 encode
    encode#2 linear linear 6 relu (answer)
    """,
    X,
)
class SharedLayer(nn.Module):
    """One layer under two names, called by both."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(6, 6)
        self.decode = self.encode

    def forward(self, x):
        return self.decode(torch.relu(self.encode(x)))


@REUSE.case(
    """
    input input input ?
    embed block embedding 8 input
    tanh activation tanh 8 embed
    head linear linear 11 tanh (answer)
    """,
    ids(4, 5, below=11),
)
class TiedEmbedding(nn.Module):
    """The head's weight is the table of the embedding."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(11, 8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(torch.tanh(self.embed(tokens)))


@REUSE.case(
    """
    input input input ?
    embed block embedding 8 input
    tanh activation tanh 8 embed
    matmul linear matmul 11 tanh (answer)
    """,
    ids(4, 5, below=11),
)
class TransposedEmbedding(nn.Module):
    """The same by a product with the table itself."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 8)

    def forward(self, tokens):
        return torch.tanh(self.embed(tokens)) @ self.embed.weight.t()


@REUSE.case(
    """
    input input input 6
    encoder linear linear 3 input
    sigmoid activation sigmoid 3 encoder
    linear linear linear 6 sigmoid (answer)
    """,
    X,
)
class AutoEncoder(nn.Module):
    """The decoder is the encoder's matrix, transposed."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 3)

    def forward(self, x):
        return F.linear(torch.sigmoid(self.encoder(x)), self.encoder.weight.t())


@REUSE.case(
    """
    input input input 6
    block.0 linear linear 6 input
    block.1 activation gelu 6 block.0
    block.0#2 linear linear 6 input block.1
    block.1#2 activation gelu 6 block.0#2
    block.0#3 linear linear 6 input block.1 block.1#2
    block.1#3 activation gelu 6 block.0#3
    output output output 6 input block.1 block.1#2 block.1#3 (answer)
    """,
    X,
)
class Iterated(nn.Module):
    """One block applied three times."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(6, 6), nn.GELU())

    def forward(self, x):
        for _ in range(3):
            x = x + self.block(x)
        return x
