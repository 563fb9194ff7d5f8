"""Blocks written by hand: norms, residuals, low rank, attention in several spellings, recurrence."""

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


@BLOCKS.case("", X)
class HandWrittenNorms(nn.Module):
    def __init__(self):
        super().__init__()
        self.rms, self.layer, self.head = RMSNorm(), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        h = self.layer(self.rms(x))
        h = (h - h.mean(-1, keepdim=True)) / (h.std(-1, keepdim=True) + 1e-5)
        return self.head(torch.relu(h))


@BLOCKS.case("", drawn(4, 8))
class LowRank(nn.Module):
    """LoRA: a frozen matrix plus a scaled product of two narrow ones."""

    def __init__(self):
        super().__init__()
        self.base, self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 2), nn.Linear(2, 8)

    def forward(self, x):
        return torch.relu(self.base(x) + 0.5 * self.b(F.dropout(self.a(x), 0.1, self.training)))


@BLOCKS.case("", drawn(4, 8))
class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(8, 8), nn.Linear(8, 8), nn.BatchNorm1d(8)

    def forward(self, x):
        h = self.second(torch.relu(self.norm(self.first(x))))
        h += x
        return torch.relu(h)


@BLOCKS.case("", X)
class OneMatrixAttention(nn.Module):
    """timm's way: query, key and value of one matrix, scores by ``@``."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        attn = ((q * 0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(b, t, c))


@BLOCKS.case("", X)
class EinsumAttention(nn.Module):
    """Heads by einsum, as einops users write it."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8, bias=False) for _ in range(4))

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (2, 4)) for f in (self.q, self.k, self.v))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / 2
        mixed = torch.einsum("bhqk,bkhd->bqhd", torch.softmax(scores, dim=-1), v)
        return self.o(torch.relu(mixed).flatten(2))


@BLOCKS.case("", X)
class CrossAttention(nn.Module):
    """Keywords only, and the weights are part of the answer."""

    def __init__(self):
        super().__init__()
        self.memory, self.attn = nn.Linear(8, 8), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        memory = torch.relu(self.memory(x))
        return self.attn(query=x, key=memory, value=memory)


@BLOCKS.case("", X)
class Mixer(nn.Module):
    """MLP-Mixer: once over the tokens, once over the channels."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 5))
        self.channels = nn.Sequential(nn.Linear(8, 9), nn.GELU(), nn.Linear(9, 8))

    def forward(self, x):
        x = x + self.tokens(x.transpose(1, 2)).transpose(1, 2)
        return x + self.channels(x)


@BLOCKS.case("", X)
class Elman(nn.Module):
    """A recurrent network written as a loop."""

    def __init__(self):
        super().__init__()
        self.inputs, self.state, self.head = nn.Linear(8, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        h = x.new_zeros(len(x), 6)
        for step in x[:, :2].unbind(1):
            h = torch.tanh(self.inputs(step) + self.state(h))
        return self.head(h)


@BLOCKS.case("", X)
class Bidirectional(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        steps, last = self.gru(x)
        return self.head(torch.cat((last[0], last[1]), dim=-1)), steps


@BLOCKS.case("", X)
class Experts(nn.Module):
    """A mixture of two experts under a softmax of two scores."""

    def __init__(self):
        super().__init__()
        self.router, self.experts = nn.Linear(8, 2), nn.ModuleList(nn.Linear(8, 6) for _ in "ab")

    def forward(self, x):
        shares = torch.softmax(self.router(x), dim=-1)
        outputs = torch.stack([torch.relu(expert(x)) for expert in self.experts], dim=-1)
        return (outputs * shares.unsqueeze(-2)).sum(-1)
