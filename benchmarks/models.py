"""The five shapes of networks that are measured, small enough for a laptop, with their inputs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 384
HEADS = 6
TOKENS = 128


class Shape(NamedTuple):
    """A network, how to make an input for it, and how many samples that holds."""

    name: str
    build: Callable[[], nn.Module]
    make: Callable[[torch.Generator], Tensor]
    samples: int


def mlp() -> nn.Module:
    """Eight layers of 1024 units with ReLU."""
    layers = [layer for _ in range(8) for layer in (nn.Linear(1024, 1024), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(1024, 10))


class Block(nn.Module):
    """A residual block of two convolutions (He et al. 2015)."""

    def __init__(self, given: int, made: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(given, made, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(made)
        self.second = nn.Conv2d(made, made, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(made)
        self.relu = nn.ReLU()
        self.short: nn.Module = nn.Identity()
        if stride > 1 or given != made:
            self.short = nn.Sequential(
                nn.Conv2d(given, made, 1, stride, bias=False), nn.BatchNorm2d(made)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve twice and add the input."""
        hidden = self.relu(self.first_norm(self.first(x)))
        hidden = self.second_norm(self.second(hidden))
        result: Tensor = self.relu(hidden + self.short(x))
        return result


def cnn() -> nn.Module:
    """Like ResNet-18, with its layers and widths."""
    stem = (nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU())
    widths = (64, 64, 128, 256, 512)
    blocks = [
        Block(given if number == 0 else made, made, 2 if number == 0 and made > 64 else 1)  # noqa: PLR2004
        for given, made in pairwise(widths)
        for number in range(2)
    ]
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    return nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *head)


class Decoder(nn.Module):
    """One layer of a decoder with RMSNorm, causal attention and SwiGLU (Touvron et al. 2023)."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.project = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.merge = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate = nn.Linear(WIDTH, 1024, bias=False)
        self.up = nn.Linear(WIDTH, 1024, bias=False)
        self.down = nn.Linear(1024, WIDTH, bias=False)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """Attend to earlier tokens, then the gated network."""
        parts = self.project(self.before(x)).unflatten(-1, (3, HEADS, -1)).movedim(2, 0)
        query, key, value = (part.transpose(1, 2) for part in parts)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.merge(seen.transpose(1, 2).flatten(2))
        hidden = self.between(x)
        result: Tensor = x + self.down(self.act(self.gate(hidden)) * self.up(hidden))
        return result


class Unfused(nn.Module):
    """A network without the path in one piece that torch takes through an encoder's layer.

    Torch itself leaves that path as soon as anybody watches what is inside.
    """

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        """What the network gives."""
        before = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(value=False)
        try:
            result: Tensor = self.whole(x)
        finally:
            torch.backends.mha.set_fastpath_enabled(value=before)
        return result


def encoder() -> nn.Module:
    """Six layers with GELU, d = 384, six heads, by the same operations with and without hooks."""
    return Unfused(fused())


def fused() -> nn.Module:
    """The same with torch's path in one piece where nobody watches."""
    layer = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True
    )
    return nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)


def decoder() -> nn.Module:
    """Six layers with SwiGLU, d = 384, six heads."""
    return nn.Sequential(*(Decoder() for _ in range(6)))


class Recurrent(nn.Module):
    """Two layers of LSTM, 256 units each."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(64, 256, 2, batch_first=True)
        self.head = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Read a sequence and answer at its end."""
        result: Tensor = self.head(self.lstm(x)[0][:, -1])
        return result


def _normal(*shape: int) -> Callable[[torch.Generator], Tensor]:
    return lambda generator: torch.randn(shape, generator=generator)


SHAPES = (
    Shape("MLP", mlp, _normal(256, 1024), 256),
    Shape("CNN 64²", cnn, _normal(16, 3, 64, 64), 16),
    Shape("CNN 128²", cnn, _normal(8, 3, 128, 128), 8),
    Shape("encoder", encoder, _normal(8, TOKENS, WIDTH), 8),
    Shape("encoder, fused", fused, _normal(8, TOKENS, WIDTH), 8),
    Shape("decoder", decoder, _normal(8, TOKENS, WIDTH), 8),
    Shape("LSTM", Recurrent, _normal(32, 100, 64), 32),
)
