"""Blocks written by hand: norms, residuals, low rank, mixers, experts."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.capture.catalogue.case import Catalogue, drawn

BLOCKS = Catalogue()
X = drawn(4, 5, 8)


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


@BLOCKS.case(
    """
    input input input ?
    rms block RMSNorm ? input
    layer linear linear 8 rms
    relu activation relu 8 layer
    head linear linear 2 relu (answer)
    """,
    X,
)
class HandWrittenNorms(nn.Module):
    def __init__(self):
        super().__init__()
        self.rms, self.layer, self.head = RMSNorm(), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        h = self.layer(self.rms(x))
        h = (h - h.mean(-1, keepdim=True)) / (h.std(-1, keepdim=True) + 1e-5)
        return self.head(torch.relu(h))


@BLOCKS.case(
    """
    input input input 8
    base linear linear 8 input
    a linear linear 2 input
    b linear linear 8 a
    relu activation relu 8 base b (answer)
    """,
    drawn(4, 8),
)
class LowRank(nn.Module):
    """LoRA: a frozen matrix plus a scaled product of two narrow ones."""

    def __init__(self):
        super().__init__()
        self.base, self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 2), nn.Linear(2, 8)

    def forward(self, x):
        return torch.relu(self.base(x) + 0.5 * self.b(F.dropout(self.a(x), 0.1, self.training)))


@BLOCKS.case(
    """
    input input input 8
    first linear linear 8 input
    norm norm batch_norm 8 first
    relu activation relu 8 norm
    second linear linear 8 relu
    relu#2 activation relu 8 second input (answer)
    """,
    drawn(4, 8),
)
class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(8, 8), nn.Linear(8, 8), nn.BatchNorm1d(8)

    def forward(self, x):
        h = self.second(torch.relu(self.norm(self.first(x))))
        h += x
        return torch.relu(h)


@BLOCKS.case(
    """
    input input input ?
    tokens.0 linear linear 7 input
    tokens.1 activation gelu 7 tokens.0
    tokens.2 linear linear 5 tokens.1
    channels.0 linear linear 9 input tokens.2
    channels.1 activation gelu 9 channels.0
    channels.2 linear linear 8 channels.1
    output output output ? input tokens.2 channels.2 (answer)
    """,
    X,
)
class Mixer(nn.Module):
    """MLP-Mixer: once over the tokens, once over the channels."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 5))
        self.channels = nn.Sequential(nn.Linear(8, 9), nn.GELU(), nn.Linear(9, 8))

    def forward(self, x):
        x = x + self.tokens(x.transpose(1, 2)).transpose(1, 2)
        return x + self.channels(x)


@BLOCKS.case(
    """
    input input input 8
    router linear linear 2 input
    softmax gate softmax 2 router
    experts.0 linear linear 6 input
    relu activation relu 6 experts.0
    experts.1 linear linear 6 input
    relu#2 activation relu 6 experts.1
    mul gated-product mul ? relu relu#2 softmax
    output output output ? mul (answer)
    """,
    X,
)
class Experts(nn.Module):
    """A mixture of two experts under a softmax of two scores."""

    def __init__(self):
        super().__init__()
        self.router, self.experts = nn.Linear(8, 2), nn.ModuleList(nn.Linear(8, 6) for _ in "ab")

    def forward(self, x):
        shares = torch.softmax(self.router(x), dim=-1)
        outputs = torch.stack([torch.relu(expert(x)) for expert in self.experts], dim=-1)
        return (outputs * shares.unsqueeze(-2)).sum(-1)
