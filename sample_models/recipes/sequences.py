"""Transformers and a recurrent network, healthy, and a Transformer that diverged."""

from __future__ import annotations

from torch import nn, optim

from sample_models.factories import digits_lstm, tiny_llama, tiny_transformer
from sample_models.recipes.data import digits, text
from sample_models.recipes.kit import Recipe, fit


def transformer() -> nn.Module:
    """AdamW at a usual learning rate."""
    model = tiny_transformer()
    return fit(
        model, digits(), optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2), epochs=25
    )


def diverged_transformer() -> nn.Module:
    """SGD with momentum at a rate of 1: the loss becomes NaN and the weights with it."""
    model = tiny_transformer()
    return fit(model, digits(), optim.SGD(model.parameters(), lr=1.0, momentum=0.9), epochs=5)


def llama() -> nn.Module:
    """Next-character prediction with dropout, stopped early."""
    model = tiny_llama()
    return fit(
        model,
        text(),
        optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1),
        epochs=18,
        batch_size=32,
    )


def lstm() -> nn.Module:
    """Rows of the image in order, dropout before the head."""
    model = digits_lstm()
    return fit(
        model, digits(), optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4), epochs=25
    )


RECIPES = (
    Recipe(
        "tiny_transformer",
        transformer,
        "digits",
        "digits",
        "two pre-norm encoder layers with GELU over image rows",
        factory="tiny_transformer",
    ),
    Recipe(
        "diverged_transformer",
        diverged_transformer,
        "digits",
        "digits",
        "every weight and every output is NaN",
        mistake="SGD with momentum at a learning rate of 1, and nobody looked at the loss",
        twin="tiny_transformer",
        factory="tiny_transformer",
        codes=("ACT109",),
        symptoms={"loss-nan": "non-finite-weights"},
    ),
    Recipe(
        "tiny_llama",
        llama,
        "text",
        "next character",
        "RMSNorm, rotary positions, causal attention, SwiGLU",
        factory="tiny_llama",
    ),
    Recipe(
        "digits_lstm",
        lstm,
        "digits",
        "digits",
        "LSTM over image rows, 32 units",
        factory="digits_lstm",
    ),
)
