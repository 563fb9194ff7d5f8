"""What the tests of the catalogue walk over: every row, under its default and other settings."""

import functools
import importlib
import math

import pytest
import torch

from actdiag import functions

OTHER_SETTINGS = {
    "leaky_relu": ({"negative_slope": 0.2}, {"negative_slope": 0.0}, {"negative_slope": 1.0}),
    "prelu": ({"weight": 0.0}, {"weight": 1.0}, {"weight": -0.5}, {"weight": 1.5}),
    "rrelu": ({"lower": 0.1, "upper": 0.5},),
    "threshold": ({"threshold": 0.5}, {"threshold": -0.5, "value": 2.0}),
    "elu": ({"alpha": 0.5}, {"alpha": 2.0}, {"alpha": 0.0}),
    "celu": ({"alpha": 0.5}, {"alpha": 2.0}),
    "hardtanh": ({"min_val": -2.0, "max_val": 3.0}, {"min_val": 0.0, "max_val": 1.5}),
    "softplus": ({"beta": 2.0}, {"beta": 0.5, "threshold": 5.0}),
    "softshrink": ({"lambd": 0.1}, {"lambd": 1.5}),
    "hardshrink": ({"lambd": 0.1}, {"lambd": 1.5}),
}
ELEMENTWISE = [row for row in functions.ALL if row.elementwise]


def _label(row, settings):
    return "-".join([row.name, *(f"{key}={value}" for key, value in settings.items())])


def every_case(wanted=lambda row: row.elementwise):
    """Parametrise over (row with its numbers, settings to call it with)."""
    pairs = [
        (row, settings)
        for row in functions.ALL
        if wanted(row)
        for settings in ({}, *OTHER_SETTINGS.get(row.name, ()))
    ]
    return pytest.mark.parametrize(
        ("row", "settings"),
        [(row.with_settings(settings), settings) for row, settings in pairs],
        ids=[_label(row, settings) for row, settings in pairs],
    )


def every_row(wanted=lambda _row: True):
    """Parametrise over the rows alone."""
    rows = [row for row in functions.ALL if wanted(row)]
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def resolve(qualified):
    """The object of a qualified name such as ``torch.Tensor.relu``."""
    parts = qualified.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, parts[cut:], owner)
    raise LookupError(qualified)


def torch_modules(row):
    return [name for name in row.modules if name.startswith("torch.")]


def build(row, settings=None):
    """torch's own module for the row, in eval mode and float64."""
    chosen = row.settings | (settings or {})
    if row.name == "gelu_tanh":
        return torch.nn.GELU(approximate="tanh")
    if row.name == "prelu":
        return torch.nn.PReLU(init=chosen["weight"]).double().eval()
    if row.name in ("softmax", "log_softmax", "softmin"):
        chosen = {"dim": -1}
    return resolve(torch_modules(row)[0])(**chosen).eval()


def has_module(row):
    return bool(torch_modules(row)) or row.name == "gelu_tanh"


def grid(low=-30.0, high=30.0, count=4801):
    """float64 inputs, with 0, ±1, ±3, 6 and every other eightieth among them."""
    return torch.linspace(low, high, count, dtype=torch.float64)


def finite(interval, reach):
    """An interval with its infinite ends cut at ``reach`` beyond the finite one (or 0)."""
    low, high = interval
    middle = next((end for end in interval if math.isfinite(end)), 0.0)
    return max(low, middle - reach), min(high, middle + reach)
