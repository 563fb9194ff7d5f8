"""A healthy regression: one unbounded output and float targets."""

from __future__ import annotations

import torch
from torch import nn, optim

from sample_models.recipes.data import diabetes
from sample_models.recipes.kit import Recipe, each_linear, fit, mlp


def diabetes_regression() -> nn.Module:
    """The last bias starts at the mean of the targets, so only the deviations must be learnt."""
    model = mlp([10, 32, 16, 1])
    with torch.no_grad():
        each_linear(model)[-1].bias.fill_(float(diabetes().train_y.mean()))
    return fit(
        model, diabetes(), optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2), epochs=60
    )


RECIPES = (
    Recipe(
        "diabetes",
        diabetes_regression,
        "diabetes",
        "disease progression",
        "MLP 10-32-16-1, ReLU, squared error",
    ),
)
