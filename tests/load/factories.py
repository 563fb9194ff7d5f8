"""Factories that the tests name as the user would, by this file's path."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def tiny(width=3):
    """What :func:`tests.load.makers.tiny` makes, untrained."""
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))


class Net(nn.Module):
    """A class of the user's own."""

    def __init__(self, width=3, *, tied=False):
        super().__init__()
        self.body = nn.Linear(4, width)
        self.head = nn.Linear(width, 4 if tied else 2)
        if tied:
            self.head.weight = nn.Parameter(self.body.weight.detach().T.clone())

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.body(x)))


class Tied(nn.Module):
    """Input and output embedding are one parameter."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight


class Hidden(nn.Module):
    """Holds tensors that no state dict has: a buffer that isn't saved, a plain attribute."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.register_buffer("scale", torch.arange(4.0), persistent=False)
        self.steps = {"angles": [torch.linspace(0, 1, 4)]}


class Lightning(nn.Module):
    """Keeps the network under ``model``, as Lightning modules do."""

    def __init__(self, width, lr=0.1):
        super().__init__()
        self.model = tiny(width)
        self.lr = lr


def needs_width(width, depth):
    """Has parameters without defaults."""
    return tiny(width)


def broken():
    """Raises on its second line."""
    layers = [nn.Linear(4, 3)]
    return layers[1]


def not_a_module():
    """Forgets to wrap the layers."""
    return [nn.Linear(4, 3)]


def quits():
    """Leaves the program, as scripts do."""
    raise SystemExit(3)


ready_made = tiny()
answer = 42
