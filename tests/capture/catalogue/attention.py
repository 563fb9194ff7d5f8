"""Attention in several spellings, and recurrence."""

import torch
from torch import nn

from tests.capture.catalogue.case import Catalogue, drawn

ATTENTION = Catalogue()
X = drawn(4, 5, 8)


@ATTENTION.case(
    """
    input input input 8
    qkv linear linear 24 input
    softmax attention softmax ? qkv
    proj linear linear 8 softmax qkv (answer)
    """,
    X,
)
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


@ATTENTION.case(
    """
    input input input 8
    q linear linear 8 input
    k linear linear 8 input
    v linear linear 8 input
    softmax attention softmax ? q k
    relu activation relu ? softmax v
    o linear linear 8 relu (answer)
    """,
    X,
)
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


@ATTENTION.case(
    """
    input input input 8
    memory linear linear 8 input
    relu activation relu 8 memory
    attn attention multi_head_attention_forward 8 input relu (answer)
    """,
    X,
)
class CrossAttention(nn.Module):
    """Keywords only, and the weights are part of the answer."""

    def __init__(self):
        super().__init__()
        self.memory, self.attn = nn.Linear(8, 8), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        memory = torch.relu(self.memory(x))
        return self.attn(query=x, key=memory, value=memory)


@ATTENTION.case(
    """
    input input input ?
    inputs linear linear 6 input
    tanh activation tanh 6 inputs
    inputs#2 linear linear 6 input
    state linear linear 6 tanh
    tanh#2 activation tanh 6 inputs#2 state
    head linear linear 2 tanh#2 (answer)
    """,
    X,
)
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


@ATTENTION.case(
    """
    input input input 8
    gru recurrent gru 12 input
    gru/reset_gate.l0 gate sigmoid 6 gru
    gru/update_gate.l0 gate sigmoid 6 gru
    gru/new.l0 gate tanh 6 gru
    gru/reset_gate.l0_reverse gate sigmoid 6 gru
    gru/update_gate.l0_reverse gate sigmoid 6 gru
    gru/new.l0_reverse gate tanh 6 gru
    head linear linear 2 gru (answer)
    """,
    X,
)
class Bidirectional(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        steps, last = self.gru(x)
        return self.head(torch.cat((last[0], last[1]), dim=-1)), steps
