"""One small tabular network, trained twice: on raw measurements and on standardised ones.

Everything else is the same: the layers (21 ReLU units), the initial weights, the order of the
batches, the optimiser, its rate and the number of epochs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn, optim

from sample_models.recipes.data import cancer, cancer_raw
from sample_models.recipes.kit import Recipe, fit, mlp

if TYPE_CHECKING:
    from sample_models.recipes.data import Task

SEED = 3


def _fitted(task: Task) -> nn.Module:
    model = mlp([30, 12, 9, 2])
    return fit(model, task, optim.Adam(model.parameters(), lr=1e-2), epochs=20)


def raw_table() -> nn.Module:
    """On the measurements in their own units."""
    return _fitted(cancer_raw())


def scaled_table() -> nn.Module:
    """On the same measurements, standardised."""
    return _fitted(cancer())


RECIPES = (
    Recipe(
        "scaled_table",
        scaled_table,
        "cancer",
        "breast cancer",
        "MLP 30-12-9-2, ReLU: the network of raw_table, trained alike on standardised inputs",
        seed=SEED,
    ),
    Recipe(
        "raw_table",
        raw_table,
        "cancer_raw",
        "breast cancer",
        "16 of 21 ReLU units never fire, among them all of the last hidden layer: the same answer "
        "for every patient",
        mistake="inputs were not standardised (areas reach 4254); nothing else differs from its "
        "twin, of whose units one is dead",
        twin="scaled_table",
        seed=SEED,
        codes=("DAT701", "ACT101", "OUT201"),
        symptoms={"outputs-all-same": "unnormalised-input"},
    ),
)
