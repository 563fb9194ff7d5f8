"""The same small training set learnt by heart with wrong labels, and learnt with care."""

from __future__ import annotations

from torch import nn, optim

from sample_models.recipes.data import digits_noisy, digits_small
from sample_models.recipes.kit import Recipe, fit, mlp


def calibrated() -> nn.Module:
    """Correct labels, dropout, weight decay, and an early stop."""
    model = mlp([64, 128, 64, 10], dropout=0.3)
    return fit(
        model,
        digits_small(),
        optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2),
        epochs=14,
    )


def overconfident() -> nn.Module:
    """Two fifths of the labels shuffled, no regularisation, until every wrong label is learnt."""
    model = mlp([64, 128, 64, 10])
    return fit(model, digits_noisy(), optim.Adam(model.parameters(), lr=3e-3), epochs=1000)


RECIPES = (
    Recipe(
        "calibrated",
        calibrated,
        "digits",
        "digits",
        "MLP 64-128-64-10 with dropout 0.3 from 300 images",
        train_data="digits_small_train",
    ),
    Recipe(
        "overconfident",
        overconfident,
        "digits",
        "digits",
        "sure of itself and wrong: it has learnt the noise in its labels",
        mistake="a mix-up shuffled 40 % of the labels of a small training set, and training ran on "
        "without regularisation until all of them were learnt",
        twin="calibrated",
        train_data="digits_noisy_train",
        codes=("OUT202", "OUT203"),
        symptoms={"confident-but-wrong": "over-fitting"},
    ),
)
