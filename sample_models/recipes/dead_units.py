"""ReLU networks that died in training, and the network on standardised inputs that did not."""

from __future__ import annotations

from torch import nn, optim

from sample_models.recipes.data import cancer, cancer_raw, digits
from sample_models.recipes.kit import Recipe, fit, mlp


def cancer_mlp() -> nn.Module:
    """Standardised measurements and a moderate learning rate."""
    model = mlp([30, 64, 32, 2])
    return fit(
        model, cancer(), optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-2), epochs=12
    )


def dead_relu() -> nn.Module:
    """The same network on the measurements in their own units, at ten times the learning rate."""
    model = mlp([30, 64, 32, 2])
    return fit(model, cancer_raw(), optim.Adam(model.parameters(), lr=1e-2), epochs=40)


def constant_output() -> nn.Module:
    """A learning rate that throws every unit below zero in the first steps."""
    model = mlp([64, 64, 32, 10])
    return fit(model, digits(), optim.SGD(model.parameters(), lr=1.0, momentum=0.9), epochs=10)


RECIPES = (
    Recipe(
        "cancer_mlp",
        cancer_mlp,
        "cancer",
        "breast cancer",
        "MLP 30-64-32-2, ReLU, standardised inputs",
    ),
    Recipe(
        "dead_relu",
        dead_relu,
        "cancer_raw",
        "breast cancer",
        "most ReLU units of both hidden layers never fire",
        mistake="inputs were not standardised (areas reach 4254) and the learning rate of 0.01 is "
        "too high for them",
        twin="cancer_mlp",
        codes=("ACT101", "DAT701"),
    ),
    Recipe(
        "constant_output",
        constant_output,
        "digits",
        "digits",
        "all ReLUs of the last hidden layer are dead, so only a bias answers: the same output for "
        "every image",
        mistake="SGD with momentum at a learning rate of 1",
        twin="digits_mlp",
        codes=("ACT101", "OUT201"),
        symptoms={"outputs-all-same": "dead-relus"},
    ),
)
