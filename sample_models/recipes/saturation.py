"""Bounded activations at their flat ends, sigmoids stacked too deep, a tanh network that works."""

from __future__ import annotations

from torch import nn, optim

from sample_models.factories import tanh_digits
from sample_models.recipes.data import cancer_raw, digits, digits_8bit
from sample_models.recipes.kit import Recipe, fit, mlp


def working_tanh() -> nn.Module:
    """Default initialisation, normalised pixels, few epochs."""
    model = tanh_digits()
    return fit(
        model, digits(), optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3), epochs=12
    )


def saturated_tanh() -> nn.Module:
    """Measurements in the hundreds and thousands go straight into tanh units."""
    model = mlp([30, 24, 12, 2], nn.Tanh)
    return fit(model, cancer_raw(), optim.SGD(model.parameters(), lr=0.05, momentum=0.9), epochs=30)


def saturated_pixels() -> nn.Module:
    """Pixels 0..255 into tanh units: the first layer keeps its random signs, the others learn."""
    model = tanh_digits()
    return fit(model, digits_8bit(), optim.Adam(model.parameters(), lr=1e-3), epochs=12)


def sigmoid_stack() -> nn.Module:
    """Ten hidden sigmoid layers, default initialisation: no gradient reaches the first ones."""
    model = mlp([64, *[48] * 10, 10], nn.Sigmoid)
    return fit(model, digits(), optim.SGD(model.parameters(), lr=0.1, momentum=0.9), epochs=20)


RECIPES = (
    Recipe(
        "tanh_digits",
        working_tanh,
        "digits",
        "digits",
        "MLP 64-96-96-10 with torch.tanh called as a function",
        factory="tanh_digits",
    ),
    Recipe(
        "saturated_tanh",
        saturated_tanh,
        "cancer_raw",
        "breast cancer",
        "the first tanh layer sits at -1 and 1 whatever the input, so all outputs are the same",
        mistake="raw measurements (up to 4254) were fed into tanh units",
        twin="cancer_mlp",
        codes=("ACT103", "ACT105", "ACT106", "DAT701", "OUT201"),
        symptoms={"outputs-all-same": "saturated-activations"},
    ),
    Recipe(
        "saturated_pixels",
        saturated_pixels,
        "digits_8bit",
        "digits",
        "the first tanh layer only knows -1 and 1 and can't learn; the others still make the model "
        "work",
        mistake="pixels were fed as 0..255 into tanh units",
        twin="tanh_digits",
        factory="tanh_digits",
        codes=("ACT103", "DAT701"),
    ),
    Recipe(
        "sigmoid_stack",
        sigmoid_stack,
        "digits",
        "digits",
        "ten sigmoid layers learn nothing: chance accuracy, practically constant outputs",
        mistake="sigmoid as the activation of ten hidden layers",
        twin="deep_mlp",
        codes=("ACT105", "ACT106", "OUT201"),
        symptoms={"outputs-all-same": "vanishing-gradients"},
    ),
)
