"""The He formula right, upside down, replaced by tiny numbers; weights that start the same."""

from __future__ import annotations

import math

from torch import nn, optim

from sample_models.recipes.data import digits
from sample_models.recipes.kit import Recipe, each_linear, fit, mlp

DEEP = [64] * 9 + [10]


def deep_mlp() -> nn.Module:
    """Eight hidden layers, He initialisation: standard deviation sqrt(2 / fan_in)."""
    model = mlp(DEEP, dropout=0.1)
    for layer in each_linear(model):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return fit(
        model, digits(), optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2), epochs=20
    )


def exploding_init() -> nn.Module:
    """The formula the wrong way round, sqrt(fan_in / 2), and an attempt at training it."""
    model = mlp(DEEP)
    for layer in each_linear(model):
        nn.init.normal_(layer.weight, std=math.sqrt(layer.in_features / 2))
        nn.init.zeros_(layer.bias)
    return fit(model, digits(), optim.Adam(model.parameters(), lr=1e-3), epochs=10)


def vanishing_init() -> nn.Module:
    """Tiny weights, "so that nothing explodes": after eight layers nothing of the input is left."""
    model = mlp(DEEP)
    for layer in each_linear(model):
        nn.init.normal_(layer.weight, std=1e-3)
        nn.init.zeros_(layer.bias)
    return fit(model, digits(), optim.SGD(model.parameters(), lr=0.1, momentum=0.9), epochs=15)


def symmetric_init() -> nn.Module:
    """Every weight starts at the same value, so the units of a layer stay copies of each other."""
    model = mlp([64, 64, 32, 10])
    for layer in each_linear(model):
        nn.init.constant_(layer.weight, 0.05)
        nn.init.zeros_(layer.bias)
    return fit(model, digits(), optim.Adam(model.parameters(), lr=2e-3), epochs=30)


RECIPES = (
    Recipe(
        "deep_mlp",
        deep_mlp,
        "digits",
        "digits",
        "MLP with eight hidden ReLU layers, He initialisation",
    ),
    Recipe(
        "exploding_init",
        exploding_init,
        "digits",
        "digits",
        "activations grow about thirtyfold per layer, logits reach 1e13",
        mistake="the He formula upside down: std = sqrt(fan_in / 2) instead of sqrt(2 / fan_in)",
        twin="deep_mlp",
        codes=("ACT107", "INI401", "OUT202", "OUT203", "OUT204"),
        symptoms={"not-learning": "bad-initialisation", "confident-but-wrong": "logits-too-large"},
    ),
    Recipe(
        "vanishing_init",
        vanishing_init,
        "digits",
        "digits",
        "nothing of the input reaches the output: the same answer for every image",
        mistake="nn.init.normal_(weight, std=1e-3) for nine layers",
        twin="deep_mlp",
        codes=("ACT101", "ACT106", "INI401", "OUT201"),
        symptoms={"outputs-all-same": "bad-initialisation"},
    ),
    Recipe(
        "symmetric_init",
        symmetric_init,
        "digits",
        "digits",
        "all units of a hidden layer are copies of one another",
        mistake="nn.init.constant_(weight, 0.05) for every layer",
        twin="digits_mlp",
        codes=("INI402",),
    ),
)
