"""What an inspection found, in few words."""

from __future__ import annotations

from dataclasses import replace

from actdiag.inspection import of_anatomy
from actdiag.load.anatomy import Anatomy
from actdiag.load.layers import layers_of_module, layers_of_state
from actdiag.records import TrustVerdict

HIDDEN = "hidden layer, MLP or CNN"
FFN = "hidden layer, Transformer FFN"
BINARY, CLASSES, VALUES = "binary output", "multi-class output", "regression output"
SCORES, GATES = "attention scores", "gates of LSTM/GRU"
BODY = Anatomy("m.pt", "pickled-module", "a file", TrustVerdict(safe=True))


def of_module(module, **more):
    """The inspection of a live module."""
    return of_anatomy(replace(BODY, layers=layers_of_module(module), **more))


def of_state(state, **more):
    """The inspection of a state dict."""
    return of_anatomy(replace(BODY, layers=layers_of_state(state), **more))


def at(found, place):
    """Whether it fits at that place, and the functions that were found there."""
    row = next(row for row in found.places if row.place == place)
    return str(row.fit), [one.function for one in row.found]
