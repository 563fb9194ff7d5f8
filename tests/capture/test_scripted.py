"""TorchScript and exported programs show the sites and the numbers of the model they came from."""

from functools import cache

import pytest
import torch

from actdiag.records import to_json
from tests.capture import graphs


@cache
def eager(name):
    build, shape = graphs.MODELS[name]
    torch.manual_seed(1)
    model, x = build().eval(), torch.randn(4, *shape)
    return model, x, graphs.captured(model, x)


def told(site):
    """Everything but where in which file, and the layout that attention works in."""
    told = {**to_json(site), "source": None}
    if site.role == "attention":
        told.update(shape=sorted(site.shape))
    return told


def assert_close(found, expected, where):
    """The same values, floats to what float32 sums in another order give."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_close(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, value in enumerate(expected):
            assert_close(found[place], value, f"{where}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6), where
    else:
        assert found == expected, where


def described(modules):
    """What is known of each module; an exported program does not tell the class of one not called.

    The layer's projection is not called either: attention uses its weights.
    """
    known = {m.name: (m.class_name, m.calls, m.leaf, m.parameters) for m in modules}
    return {name: about if about[1] else about[1:] for name, about in known.items()}


@pytest.mark.parametrize("form", graphs.FORMS)
@pytest.mark.parametrize("name", graphs.MODELS)
def test_a_graph_has_the_sites_and_numbers_of_its_model(name, form):
    model, x, (sites, coverage, modules) = eager(name)
    found, found_coverage, found_modules = graphs.captured(graphs.FORMS[form](model, x), x)
    assert [site.name for site in found] == [site.name for site in sites]
    for site, expected in zip(found, sites, strict=True):
        assert_close(told(site), told(expected), site.name)
    assert found_coverage == coverage
    assert described(found_modules) == described(modules)
