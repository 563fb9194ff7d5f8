"""Samples of the rules on how a model ends, and on what it is built of."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.rules.live import Sample, cancer, digits, linear_at, mlp, train


@cache
def classifier() -> nn.Sequential:
    """A classifier of digits that works; not to be changed."""
    model = train(mlp(64, 32, 10), digits(), epochs=5).model
    assert isinstance(model, nn.Sequential)
    return model


def ending(*layers: nn.Module) -> Sample:
    """That classifier with something behind its logits."""
    return Sample(nn.Sequential(*classifier(), *layers), *digits()[2:])


class Capped(nn.Module):
    """30 · tanh(x / 30), as Gemma caps its logits."""

    def forward(self, x: Tensor) -> Tensor:
        return 30 * torch.tanh(x / 30)


class Segments(nn.Module):
    """A distribution over ten classes for each of 64 pixels: axis 1 of (n, 10, 8, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(self.conv(x.view(-1, 1, 8, 8)), dim=1)


def segments() -> Sample:
    return Sample(Segments(), digits()[2])


def yes_or_no(*last: nn.Module) -> Sample:
    """One output for two kinds of tumour."""
    return Sample(nn.Sequential(*mlp(30, 16, 1), *last), *cancer(raw=False)[2:])


def out_of_reach() -> Sample:
    """Targets around 2000 behind a sigmoid."""
    x = digits()[2]
    model = nn.Sequential(*mlp(64, 16, 1), nn.Sigmoid())
    return Sample(model, x, 2000 + x.mean(1, keepdim=True))


def shrunk_units() -> Sample:
    """Three in ten units whose weights have all but decayed."""
    model = mlp(64, 40, 10)
    with torch.no_grad():
        linear_at(model, 0).weight[:12] *= 1e-3
        linear_at(model, 0).bias[:12] = 1e-3
    return Sample(model, *digits()[2:])


def killed_units() -> Sample:
    """Inputs in [0, 1], and biases of −50 in half of the units."""
    model = mlp(64, 40, 10)
    with torch.no_grad():
        linear_at(model, 0).bias[:20] = -50
    return Sample(model, *digits()[2:])


class Encoder(nn.Module):
    """A Transformer's layer over the rows of an image; ``bias`` is one that a channel learned."""

    def __init__(self, activation: str, bias: float = 0.0) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 16)
        self.layer = nn.TransformerEncoderLayer(
            16, 2, 32, activation=activation, batch_first=True, norm_first=True
        )
        self.head = nn.Linear(16, 10)
        with torch.no_grad():
            self.layer.linear2.bias[3] += bias

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.embed(x.view(-1, 8, 8))).mean(1))


def encoder(activation: str, bias: float = 0.0) -> Sample:
    return Sample(Encoder(activation, bias), *digits()[2:])


def numbered_from_one() -> Sample:
    """Digits labelled 1 to 10 for ten outputs."""
    _, _, x, y = digits()
    return Sample(classifier(), x, y + 1)


def some_left_out() -> Sample:
    """A third of the answers have no label, marked by −100."""
    _, _, x, y = digits()
    y = y.clone()
    y[::3] = -100
    return Sample(classifier(), x, y)


SICK = {
    "ACT102": shrunk_units,
    "ACT111": lambda: encoder("gelu", bias=5000.0),
    "ARC603": lambda: encoder("relu"),
    "ARC604": lambda: yes_or_no(nn.ReLU()),
    "ARC605": lambda: ending(nn.ReLU()),
    "DAT707": numbered_from_one,
    "INI404": killed_units,
    "OUT207": lambda: ending(nn.Softmax(dim=1), nn.Softmax(dim=1)),
    "OUT208": lambda: ending(nn.Softmax(dim=0)),
    "OUT209": lambda: yes_or_no(nn.Softmax(dim=1)),
    "OUT210": out_of_reach,
}
HEALTHY = {
    "ACT102": lambda: ending(nn.Softmax(dim=1)),
    "ACT111": lambda: encoder("gelu"),
    "ARC603": lambda: encoder("gelu"),
    "ARC604": lambda: yes_or_no(nn.Sigmoid()),
    "ARC605": lambda: ending(Capped()),
    "DAT707": some_left_out,
    "OUT207": lambda: ending(nn.LogSoftmax(dim=1), nn.LogSoftmax(dim=1)),
    "OUT208": segments,
    "OUT209": lambda: yes_or_no(nn.Sigmoid()),
}
