"""Every elementwise function, however it is called: the dead and saturated counts of an oracle."""

import inspect
from functools import reduce

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from actdiag import functions
from actdiag.capture import Capture
from tests.capture import every_function, oracle
from tests.capture.test_handwritten import FORMS

SLOPE = nn.Parameter(torch.full((1,), 0.25))
ARGUMENTS = {"threshold": (0.1, 0.0), "prelu": (SLOPE,)}
BIASES = [-200.0, -12.0, 200.0, 12.0, 0.0, 0.1, -0.1, 0.5]


def call(function, *arguments, **settings):
    return lambda x: function(x, *arguments, **settings)


def callables(row):
    """Every public way to call the function, by how it is written."""
    more = ARGUMENTS.get(row.name, ())
    for path in row.callables:
        if "._" in path:
            continue
        function = reduce(getattr, path.split(".")[1:], torch)
        yield path, call(function, *more)
        if inspect.isfunction(function) and "inplace" in inspect.signature(function).parameters:
            yield f"{path}(inplace=True)", call(function, *more, inplace=True)


def forms():
    for row in functions.ALL:
        if not row.elementwise or row.name == "identity":
            continue
        found = dict(callables(row))
        module = every_function.MODULES.get(row.name)
        if module is not None and row.name != "leaky_relu":
            found["module"] = module
        found |= {words: form for words, (name, form) in FORMS.items() if name == row.name}
        if row.name == "gelu_tanh":
            found["approximate"] = call(F.gelu, approximate="tanh")
        if row.name == "relu_squared":
            found |= {"square": lambda x: F.relu(x).square(), "pow": lambda x: x.relu() ** 2}
        yield from ((row.name, words, form) for words, form in found.items())


EVERY = list(forms())


@pytest.mark.parametrize(("name", "words", "form"), EVERY, ids=[f"{n}: {w}" for n, w, _ in EVERY])
def test_dead_and_saturated_units_are_counted_alike_and_right(name, words, form):
    torch.manual_seed(0)
    layer = nn.Linear(6, len(BIASES))
    with torch.no_grad():
        layer.bias.copy_(torch.tensor(BIASES))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head, self.act = layer, nn.Linear(len(BIASES), 2), form

        def forward(self, x):
            return self.head(self.act(self.layer(x)))

    batches = torch.randn(3, 40, 6)
    with Capture(Net()) as capture:
        for batch in batches:
            capture.run((batch,), {}, len(batch))
        found = [site for site in capture.sites() if site.role == "activation"]
    with torch.no_grad():
        x = layer(batches.flatten(0, 1)).numpy()
    assert [site.function for site in found] == [name]
    assert found[0].stats.dead_units == oracle.dead(name, x)
    assert (found[0].stats.saturated_units or 0) == oracle.saturated(name, x)


def test_every_elementwise_function_of_the_catalogue_is_among_them():
    rows = {row.name for row in functions.ALL if row.elementwise} - {"identity"}
    assert {name for name, _, _ in EVERY} == rows == set(oracle.VALUES)
    assert {name for name, words, _ in EVERY if "inplace" in words or words.endswith("_")} >= {
        *("relu", "relu6", "elu", "selu", "celu", "silu", "mish", "hardswish", "hardsigmoid"),
        *("leaky_relu", "hardtanh", "threshold", "sigmoid", "tanh"),
    }
