"""Healthy classifiers of digits: the plain MLP and two convolutional networks."""

from __future__ import annotations

from torch import nn, optim

from sample_models.factories import functional_cnn
from sample_models.recipes.data import digits, digits_8bit
from sample_models.recipes.kit import Recipe, fit, mlp


def digits_mlp() -> nn.Module:
    """Two hidden ReLU layers, default initialisation, Adam."""
    model = mlp([64, 64, 32, 10], dropout=0.2)
    return fit(
        model, digits(), optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2), epochs=20
    )


def convolutional() -> nn.Sequential:
    """Two convolutions with ReLU and max-pooling, then a linear layer, on rows of 64 values."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 2 * 2, 10),
    )


def digits_cnn() -> nn.Module:
    """Normalised pixels, Adam at its usual rate."""
    model = convolutional()
    return fit(model, digits(), optim.Adam(model.parameters(), lr=1e-3), epochs=30)


def functional_digits_cnn() -> nn.Module:
    """The same network as a class of its own, activations called as functions."""
    model = functional_cnn()
    return fit(model, digits(), optim.Adam(model.parameters(), lr=1e-3), epochs=30)


def cnn_raw_pixels() -> nn.Module:
    """Pixels 0..255 as they come from the file, and thirty times the usual learning rate."""
    model = convolutional()
    return fit(model, digits_8bit(), optim.Adam(model.parameters(), lr=3e-2), epochs=20)


RECIPES = (
    Recipe("digits_mlp", digits_mlp, "digits", "digits", "MLP 64-64-32-10, ReLU, dropout"),
    Recipe("digits_cnn", digits_cnn, "digits", "digits", "Conv2d/ReLU/MaxPool x 2, Linear"),
    Recipe(
        "functional_cnn",
        functional_digits_cnn,
        "digits",
        "digits",
        "the same CNN as a class with F.relu and F.max_pool2d",
        factory="functional_cnn",
        seed=1,
    ),
    Recipe(
        "cnn_raw_pixels",
        cnn_raw_pixels,
        "digits_8bit",
        "digits",
        "most channels of both convolutions never fire, and accuracy suffers",
        mistake="pixels were fed as 0..255 instead of being normalised, at a learning rate of 0.03",
        twin="digits_cnn",
        codes=("ACT101", "DAT701"),
    ),
)
