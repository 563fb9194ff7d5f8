"""Networks built wrongly: activations forgotten, and a logarithm that meets a zero."""

from __future__ import annotations

from torch import nn, optim

from sample_models.factories import log_of_zero
from sample_models.recipes.data import cancer_complete, digits
from sample_models.recipes.kit import Recipe, fit, mlp


def with_activation() -> nn.Module:
    """Three hidden layers with ReLU between them."""
    model = mlp([64, 64, 64, 64, 10])
    return fit(
        model, digits(), optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2), epochs=15
    )


def missing_activation() -> nn.Module:
    """The same layers, one after the other."""
    model = mlp([64, 64, 64, 64, 10], activation=None)
    return fit(
        model, digits(), optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2), epochs=15
    )


def log_features() -> nn.Module:
    """Records with a zero were dropped for training; in use they arrive, and log(0) is -inf."""
    model = log_of_zero()
    return fit(
        model,
        cancer_complete(),
        optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2),
        epochs=15,
    )


RECIPES = (
    Recipe("with_activation", with_activation, "digits", "digits", "MLP 64-64-64-64-10, ReLU"),
    Recipe(
        "missing_activation",
        missing_activation,
        "digits",
        "digits",
        "four linear layers that amount to a single one",
        mistake="the activation between the linear layers was forgotten",
        twin="with_activation",
        codes=("ARC601",),
    ),
    Recipe(
        "log_of_zero",
        log_features,
        "cancer_complete",
        "breast cancer",
        "NaN for the samples in which a measurement is exactly zero",
        mistake="the logarithm of a feature without an epsilon; the training set had been cleaned "
        "of zeros",
        twin="cancer_mlp",
        factory="log_of_zero",
        codes=("ACT109",),
        symptoms={"loss-nan": "invalid-operation"},
    ),
)
