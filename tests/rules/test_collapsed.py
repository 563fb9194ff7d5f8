"""Rank collapse on scans written by hand, and on weights that are all alike."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from actdiag.records import Role, Severity
from tests.rules.build import act, classifier, data_in, found, linear, scan, site
from tests.rules.collapsed import deep
from tests.rules.live import Sample, digits, mlp, scanned


def test_a_line_is_a_warning_and_waste_where_the_model_works():
    [finding] = found("ACT112", deep())
    assert (finding.site, finding.severity) == ("2", Severity.WARNING)
    assert finding.threshold == {"rank": 1.28}
    working = replace(deep(), output=classifier())
    assert found("ACT112", working)[0].severity is Severity.INFO


def test_copies_of_one_unit_lie_on_a_line():
    model = mlp(64, 200, 150, 10)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.weight, 0.05)
    [finding] = found("ACT112", scanned(Sample(model, *digits()[2:])))
    assert finding.site == "0"
    assert finding.measured["effective_rank"] == pytest.approx(1, abs=1e-3)


def test_an_input_on_a_line_gives_such_layers_by_itself():
    for given in (data_in(effective_rank=1.4, sampled_rows=128), data_in(units=1)):
        assert found("ACT112", scan(given, *deep().sites[1:])) == []


def test_narrow_layers_the_last_one_and_the_output_are_not_judged():
    narrow = {"effective_rank": 1.0, "sampled_rows": 128, "units": 64}
    wide = narrow | {"units": 256}
    given = data_in(effective_rank=9.0)
    chain = (linear("0", "input", **narrow), act("1", "0", **narrow), linear("2", "1", **wide))
    last = (act("3", "2", **wide), linear("4", "3", is_final=True, **wide))
    assert found("ACT112", scan(given, *chain, *last)) == []
    between = (act("3", "2", **wide), linear("4", "3"), linear("5", "4", is_final=True))
    assert [one.site for one in found("ACT112", scan(given, *chain, *between))] == ["2"]


def test_tokens_that_are_the_same_up_to_the_end():
    [finding] = found("ACT112", deep(rank=30.0, cosine=0.996))
    assert finding.site == "2"
    assert finding.message == (
        "From '2' (Linear) on all tokens of a sample are the same: the mean cosine between them is "
        "0.996 there."
    )


def test_a_later_layer_that_tells_tokens_apart_is_enough():
    same, other = {"token_cosine": 0.999}, {"token_cosine": 0.5}
    sites = [
        linear("0", "input", **other),
        site("1", Role.ATTENTION, "0", **other),
        linear("2", "1", **same),
        linear("3", "2", **same),
    ]
    end = linear("5", "4", is_final=True)
    assert not found("ACT112", scan(data_in(), *sites, act("4", "3", **other), end))
    assert found("ACT112", scan(data_in(), *sites, act("4", "3", **same), end))
    without = [linear("0", "input", **same), linear("1", "0", **same), act("4", "1", **same)]
    assert not found("ACT112", scan(data_in(), *without, end))


def test_a_deep_network_by_he_keeps_its_rank():
    torch.manual_seed(0)
    model = mlp(64, *[128] * 12, 10)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert found("ACT112", scanned(Sample(model, *digits()[2:]))) == []
