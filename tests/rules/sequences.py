"""Samples of the rules on attention and on recurrent gates: digits, read row by row."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.rules.live import Sample, digits, train

ROWS, WIDTH, HEADS = 8, 8, 4


class Attending(nn.Module):
    """Two layers of attention over the rows of an image; ``sharpness`` multiplies the queries."""

    def __init__(self, *sharpness: float) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(ROWS, 16))
        self.embed = nn.Linear(WIDTH, 16)
        self.layers = nn.ModuleList(
            nn.MultiheadAttention(16, HEADS, batch_first=True) for _ in sharpness
        )
        self.norms = nn.ModuleList(nn.LayerNorm(16) for _ in sharpness)
        self.head = nn.Linear(16, 10)
        with torch.no_grad():
            for layer, factor in zip(self.layers, sharpness, strict=True):
                layer.get_parameter("in_proj_weight")[:16].mul_(factor)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x.view(-1, ROWS, WIDTH)) + self.places
        for layer, norm in zip(self.layers.children(), self.norms.children(), strict=True):
            h = h + layer(normed := norm(h), normed, normed, need_weights=False)[0]
        return self.head(h.mean(1))


def attending(*sharpness: float) -> Sample:
    return Sample(Attending(*sharpness), *digits()[2:])


def trained_attention() -> Sample:
    return train(Attending(1.0, 1.0), digits(), epochs=4)


class Padded(nn.Module):
    """Attention in which rows with less than so much ink are padding."""

    def __init__(self, *, ink: float, causal: bool) -> None:
        super().__init__()
        self.ink, self.causal = ink, causal
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, ROWS, WIDTH)
        later = torch.full((ROWS, ROWS), -torch.inf).triu(1) if self.causal else None
        padding = torch.zeros(rows.shape[:2]).masked_fill(rows.mean(2) < self.ink, -torch.inf)
        mixed = self.attention(rows, rows, rows, key_padding_mask=padding, attn_mask=later)[0]
        return self.head(mixed[:, -1])


def no_key_left() -> Sample:
    """So much ink is asked for that some images have no row left."""
    return Sample(Padded(ink=0.45, causal=False), *digits()[2:])


def causal() -> Sample:
    """Every row sees itself and those before it."""
    return Sample(Padded(ink=-1.0, causal=True), *digits()[2:])


class Reading(nn.Module):
    """An LSTM that reads an image row by row, of grey values as large as ``scale``."""

    def __init__(self, scale: float, forget_bias: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        self.lstm = nn.LSTM(WIDTH, 32, batch_first=True)
        self.head = nn.Linear(32, 10)
        with torch.no_grad():
            self.lstm.get_parameter("bias_ih_l0")[32:64] += forget_bias

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.lstm(self.scale * x.view(-1, ROWS, WIDTH))
        return self.head(F.relu(steps[:, -1]))


def raw_rows() -> Sample:
    """Grey values of 0 to 255, as they come out of the file."""
    return Sample(Reading(255.0), *digits()[2:])


def trained_reader() -> Sample:
    """Forget gates that start open, as Jozefowicz et al. 2015 advise."""
    return train(Reading(1.0, forget_bias=1.0), digits(), epochs=4)


SICK = {
    "ACT116": raw_rows,
    "ATT301": lambda: attending(1.0, 3000.0),
    "ATT302": lambda: attending(0.01, 0.01),
    "ATT303": lambda: attending(1.0, 300.0),
    "ATT304": no_key_left,
}
HEALTHY = {
    "ACT116": trained_reader,
    "ATT301": lambda: attending(3000.0, 1.0),
    "ATT302": lambda: attending(1.0, 1.0),
    "ATT303": trained_attention,
    "ATT304": causal,
}
