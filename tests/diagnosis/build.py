"""Networks with one cause each, and data on which the symptom shows. All are constructions.

Labels are drawn at random where a model is to fail: nothing can be learnt of them, so that it fails
whatever it answers.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

WIDTH, CLASSES, SAMPLES = 32, 4, 240


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def at_random(samples=SAMPLES):
    """Inputs, and labels that have nothing to do with them."""
    x = torch.randn(samples, 8, generator=seeded(1))
    return x, torch.randint(CLASSES, (samples,), generator=seeded(2))


def network(activation, depth=2):
    """A plain network as PyTorch draws it, trained for a moment's sake on nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sizes = [8, *[WIDTH] * depth]
        layers = [
            part
            for wide, narrow in pairwise(sizes)
            for part in (nn.Linear(wide, narrow), activation())
        ]
        return nn.Sequential(*layers, nn.Linear(WIDTH, CLASSES)).eval()


def linears(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


@torch.no_grad()
def dead():
    """Three in four ReLUs of the first layer lie far below zero; the weights are ordinary."""
    module = network(nn.ReLU)
    module[0].bias[: 3 * WIDTH // 4] = -100.0
    return module


@torch.no_grad()
def all_but_dead():
    """One live ReLU, whose way on is a thread: hardly any gradient comes back through it."""
    module = network(nn.ReLU)
    last = linears(module)[-1]
    module[2].bias[1:] = -100.0
    module[2].bias[0] = 5.0
    last.weight[:, 0] *= 1e-5
    return module


def tower():
    """Eight sigmoids in a row."""
    return network(nn.Sigmoid, depth=8)


@torch.no_grad()
def short_tower():
    """Five sigmoids: the gradient vanishes, and answers still differ."""
    module = network(nn.Sigmoid, depth=5)
    for layer in linears(module)[1:]:
        layer.weight.mul_(2.5)
    return module


@torch.no_grad()
def saturated():
    """Tanh units whose biases hold them at an end, all four layers; the weights are ordinary."""
    module = network(nn.Tanh, depth=4)
    for layer in linears(module)[:-1]:
        signs = torch.randint(2, layer.bias.shape, generator=seeded(3)) * 2.0 - 1
        layer.bias.copy_(6.0 * signs)
    return module


@torch.no_grad()
def scaled(factor, activation=nn.ReLU, depth=4):
    """Every weight that many times too large."""
    module = network(activation, depth)
    for layer in linears(module):
        layer.weight.mul_(factor)
    return module


class Answers(nn.Module):
    """A model whose logits are its input; the parameter is there to be a model's."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return x * self.scale


def sure_and_right_as_often_as_sure(samples=600, confidence=0.93):
    """Logits of one confidence, and labels that are right as often as that says."""
    right = torch.randint(CLASSES, (samples,), generator=seeded(1))
    gap = torch.log(torch.tensor(confidence * (CLASSES - 1) / (1 - confidence)))
    logits = nn.functional.one_hot(right, CLASSES).float() * gap
    wrong = torch.rand(samples, generator=seeded(2)) > confidence
    return logits, torch.where(wrong, (right + 1) % CLASSES, right)
