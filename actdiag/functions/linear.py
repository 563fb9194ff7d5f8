"""No activation at all, kept in the catalogue because a missing one must be recognised."""

from __future__ import annotations

import math
from typing import Any

from actdiag.functions.row import ActivationFunction


def _identity(x: Any, _xp: Any) -> Any:
    return x


def _identity_slope(x: Any, xp: Any) -> Any:
    return xp.ones_like(x)


IDENTITY = ActivationFunction(
    name="identity",
    title="none (linear)",
    formula="y = x, so the layer gives Wx + b",
    value=_identity,
    slope=_identity_slope,
    output_range=(-math.inf, math.inf),
    max_slope=1.0,
    modules=(
        "torch.nn.modules.linear.Identity",
        "transformers.activations.LinearActivation",
    ),
    aliases=("none", "linear", "no activation"),
    gain=1.0,
    initialisation="xavier",
    linear_region=(-math.inf, math.inf),
    used_for="The output of a regression, whose range must not be constrained.",
    goes_wrong="Linear layers with nothing between them collapse into one: "
    "W2(W1 x + b1) + b2 = W'x + b', so the depth buys nothing.",
    advice="Put a non-linear function between any two linear layers, "
    "unless a low-rank factorisation is what you want.",
    source="Goodfellow, Bengio & Courville 2016, Deep Learning, section 6.1; "
    "gain 1 as torch.nn.init.calculate_gain.",
)

ROWS = (IDENTITY,)
