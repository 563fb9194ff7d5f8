"""Gates and candidates of recurrent cells, from a step's input and the hidden state before it.

The formulas are those of the documentation of ``torch.nn.LSTM``, ``GRU`` and ``RNN``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from torch.nn import functional as F

from actdiag import functions

if TYPE_CHECKING:
    from torch import Tensor

    from actdiag.functions.row import ActivationFunction

TANH, RELU = functions.get("tanh"), functions.get("relu")
# A gate is at an end where it lets less than 1 % through, or more than 99 % (ACT116).
END = math.log(99)
SIGMOID = replace(functions.get("sigmoid"), saturated_below=-END, saturated_above=END)

Weights = Sequence["Tensor | None"]
"""``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``; the biases may be null."""


class Gate(NamedTuple):
    """One gate or candidate: its pre-activations, any leading axes and units last."""

    name: str
    before: Tensor
    function: ActivationFunction


Gates = Callable[["Tensor", "Tensor", Weights], tuple[Gate, ...]]


def lstm(x: Tensor, hidden: Tensor, weights: Weights) -> tuple[Gate, ...]:
    """Of c' = forget · c + input · cell; h' = output · tanh(c')."""
    of_input, of_hidden = _both(x, hidden, weights)
    opening, forget, cell, output = (of_input + of_hidden).chunk(4, dim=-1)
    return (
        Gate("input_gate", opening, SIGMOID),
        Gate("forget_gate", forget, SIGMOID),
        Gate("cell", cell, TANH),
        Gate("output_gate", output, SIGMOID),
    )


def gru(x: Tensor, hidden: Tensor, weights: Weights) -> tuple[Gate, ...]:
    """Of h' = (1 − update) · new + update · h, where reset acts inside new."""
    of_input, of_hidden = (both.chunk(3, dim=-1) for both in _both(x, hidden, weights))
    reset, update = of_input[0] + of_hidden[0], of_input[1] + of_hidden[1]
    return (
        Gate("reset_gate", reset, SIGMOID),
        Gate("update_gate", update, SIGMOID),
        Gate("new", of_input[2] + reset.sigmoid() * of_hidden[2], TANH),
    )


def rnn_tanh(x: Tensor, hidden: Tensor, weights: Weights) -> tuple[Gate, ...]:
    """Of h' = tanh(W x + U h)."""
    of_input, of_hidden = _both(x, hidden, weights)
    return (Gate("tanh", of_input + of_hidden, TANH),)


def rnn_relu(x: Tensor, hidden: Tensor, weights: Weights) -> tuple[Gate, ...]:
    """Of h' = relu(W x + U h)."""
    of_input, of_hidden = _both(x, hidden, weights)
    return (Gate("relu", of_input + of_hidden, RELU),)


OF: dict[str, Gates] = {"lstm": lstm, "gru": gru, "rnn_tanh": rnn_tanh, "rnn_relu": rnn_relu}


def _both(x: Tensor, hidden: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    of_input, of_hidden, input_bias, hidden_bias = weights
    assert of_input is not None  # noqa: S101 - only biases may be missing
    assert of_hidden is not None  # noqa: S101
    return F.linear(x, of_input, input_bias), F.linear(hidden, of_hidden, hidden_bias)
