"""How each sample model was made: one file per family of tasks, each with its ``RECIPES``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_models.recipes import (
    classifiers,
    confidence,
    construction,
    dead_units,
    initialisation,
    regression,
    saturation,
    sequences,
    unscaled,
)

if TYPE_CHECKING:
    from sample_models.recipes.kit import Recipe

RECIPES: tuple[Recipe, ...] = (
    *classifiers.RECIPES,
    *sequences.RECIPES,
    *regression.RECIPES,
    *dead_units.RECIPES,
    *unscaled.RECIPES,
    *saturation.RECIPES,
    *confidence.RECIPES,
    *initialisation.RECIPES,
    *construction.RECIPES,
)
