"""Where which activation function belongs: the table of the documentation."""

from __future__ import annotations

from typing import NamedTuple


class Belongs(NamedTuple):
    """One place of a network, what is expected there, and why."""

    place: str
    expected: str
    reason: str


HIDDEN = Belongs("hidden layer, MLP or CNN", "ReLU or GELU", "fast, works well")
FEED_FORWARD = Belongs(
    "hidden layer, Transformer FFN", "GELU, SwiGLU or GeGLU", "smoother, standard"
)
BINARY = Belongs("binary output", "sigmoid", "a probability")
CLASSES = Belongs("multi-class output", "softmax", "a distribution over classes")
VALUES = Belongs("regression output", "none", "unconstrained range")
ATTENTION = Belongs("attention scores", "softmax", "weights sum to 1")
GATES = Belongs("gates of LSTM/GRU", "sigmoid", "flow in [0, 1]")

ALL = (HIDDEN, FEED_FORWARD, BINARY, CLASSES, VALUES, ATTENTION, GATES)
