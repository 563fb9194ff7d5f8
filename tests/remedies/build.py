"""A small problem that a small network learns in a second: two shifted clouds of points."""

import torch
from torch import nn


def clouds(samples=120, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(samples) % 2
    x = torch.randn(samples, 6, generator=generator) + 1.5 * y[:, None]
    return scale * x, y


def network(activation=nn.ReLU, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(6, 16), activation(), nn.Linear(16, 16), activation(), nn.Linear(16, 2)
    )


class Functional(nn.Module):
    """The same network, its activations called as functions."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(6, 16), nn.Linear(16, 16)
        self.last = nn.Linear(16, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.last(nn.functional.relu(self.second(x)))
