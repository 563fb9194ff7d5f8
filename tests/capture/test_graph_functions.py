"""Every activation function, as module, function, method and in place, in every kind of graph."""

from functools import cache

import pytest
import torch
from torch import nn

from actdiag import functions
from tests.capture import every_function, graphs

FORMS = ("traced", "scripted", "exported")


@cache
def sites(style, form=None):
    """The activation sites of all functions, by the function's name."""
    model, x = every_function.built(style)
    graph = graphs.FORMS[form](model, x) if form else model
    found, coverage, _ = graphs.captured(graph, x)
    assert coverage.failure is None
    assert coverage.functions_not_captured == ()
    return {site.function: site for site in found if site.role in ("activation", "gated-product")}


EVERY = [(name, style) for style, names in every_function.NAMES.items() for name in names]


def test_every_function_that_torch_has_is_among_them():
    torchs = {
        row.name for row in functions.ALL if any("torch.nn." in call for call in row.callables)
    }
    assert torchs - {"identity"} <= set(every_function.MODULES)
    for style, names in every_function.NAMES.items():
        assert set(sites(style)) == set(names)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "style"), EVERY)
def test_dead_and_saturated_counts_are_those_of_the_eager_model(name, style, form):
    expected, found = sites(style)[name], sites(style, form)[name]
    assert found.name == expected.name
    assert found.role == expected.role
    assert found.stats == expected.stats
    assert found.per_unit == expected.per_unit


@pytest.mark.parametrize("form", FORMS)
def test_the_counts_are_right(form):
    of = sites("functions", form)
    assert (of["relu"].stats.dead_units, of["relu6"].stats.dead_units) == (2, 2)
    assert of["sigmoid"].stats.saturated_units == of["tanh"].stats.saturated_units == 4


class Differences(nn.Module):
    """Takes tanh of tensors that are gone when others, perhaps in their place, are subtracted."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Linear(6, 6) for _ in range(3))

    def forward(self, x):
        first = torch.tanh(self.a(x))
        second, third = self.b(x), self.c(x)
        return (second - first) + (third - torch.tanh(self.a(second)))


@pytest.mark.parametrize("form", FORMS)
def test_a_tensor_in_the_place_of_one_that_is_gone_is_another(form):
    x = torch.randn(4, 6)
    for seed in range(8):
        torch.manual_seed(seed)
        found, *_ = graphs.captured(graphs.FORMS[form](Differences().eval(), x), x)
        assert "tanhshrink" not in [site.function for site in found]
