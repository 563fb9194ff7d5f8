"""Small networks that the tests of the steps share."""

import torch
from torch import nn


def network(seed=0):
    """A plain classifier of 8 features into 3 classes, freshly drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = (nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
        return nn.Sequential(*layers)
