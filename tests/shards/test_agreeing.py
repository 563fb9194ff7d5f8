"""Parts of one scan: what may differ between them, and what is told where they don't belong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from actdiag import pipeline
from actdiag.errors import UsageError
from actdiag.shards.agreeing import check_agree
from actdiag.shards.piece import Piece


@pytest.fixture(scope="module")
def piece():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    report = pipeline.scan(net, torch.randn(8, 3), batch_size=4, shard="1/2", steps="none")
    return Piece.read("first.json", report)


def changed(piece, **scan):
    return replace(piece, name="second.json", scan=replace(piece.scan, **scan))


def said(piece, other):
    with pytest.raises(UsageError) as raised:
        check_agree(piece, other)
    assert raised.value.message.startswith("second.json does not belong to first.json: ")
    assert raised.value.hint
    return raised.value.message.partition(": ")[2]


def test_the_same_model_belongs_together_wherever_it_lies(piece):
    check_agree(piece, piece)
    elsewhere = replace(piece.scan.model, path="elsewhere/net.pt", sha256="0")
    check_agree(piece, changed(piece, model=elsewhere))


def test_sums_may_round_differently(piece):
    weights = [replace(one, std=one.std * (1 + 1e-8)) for one in piece.scan.weights]
    check_agree(piece, changed(piece, weights=tuple(weights)))


@pytest.mark.parametrize(
    ("what", "value", "message"),
    [
        ("class_name", "Other", "the model's class is Other, and Sequential there"),
        ("parameters", 7, "its number of parameters is 7, and 32 there"),
        ("dtype", "float16", "its type is float16, and float32 there"),
    ],
)
def test_another_model_is_told(piece, what, value, message):
    assert said(piece, changed(piece, model=replace(piece.scan.model, **{what: value}))) == message


def test_another_version_is_told(piece):
    other = changed(piece, tool=replace(piece.scan.tool, version="0"))
    assert said(piece, other).startswith("the version of actdiag is 0, and ")


def test_other_weights_are_told_by_name(piece):
    first, *rest = piece.scan.weights
    other = changed(piece, weights=(replace(first, mean=9.0), *rest))
    assert said(piece, other).startswith(f"the mean of {first.name} is 9.0, and ")


def test_weights_of_another_shape_are_told(piece):
    first, *rest = piece.scan.weights
    other = changed(piece, weights=(replace(first, shape=(5, 4)), *rest))
    assert (
        said(piece, other) == "a weight is 0.weight of shape 5×4, and 0.weight of shape 5×3 there"
    )


def test_another_function_at_a_site_is_told(piece):
    sites = [
        replace(site, function="gelu") if site.function == "relu" else site
        for site in piece.scan.sites
    ]
    message = said(piece, changed(piece, sites=tuple(sites)))
    assert message == (
        "what is observed at 1 is gelu (float32, units on axis 1), "
        "and relu (float32, units on axis 1) there"
    )


def test_a_site_that_only_one_part_has_is_no_contradiction(piece):
    check_agree(piece, changed(piece, sites=piece.scan.sites[:2]))


def test_other_data_is_told(piece):
    assert said(piece, replace(piece, name="second.json", samples=9)) == (
        "the number of samples in all is 9, and 8 there"
    )
    other = replace(piece, name="second.json", state={**piece.state, "begins": "x"})
    assert said(piece, other).startswith("the first batch of the data is x, and ")
