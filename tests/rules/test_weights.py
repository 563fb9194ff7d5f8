"""The rules on weights and architecture, one by one, on scans written by hand."""

from __future__ import annotations

import itertools

import pytest

from actdiag.records import Role, Severity
from tests.rules.build import FAILING, act, classifier, data_in, found, linear, scan, site, weight


def network(*weights, function="relu", output=None):
    sites = (
        data_in(),
        linear("0", "input"),
        act("1", "0", function=function),
        linear("2", "1", is_final=True),
    )
    return scan(*sites, weights=weights, output=output)


def scaled(module: str, ratio: float, **changes):
    return weight(module, he_ratio=ratio, xavier_ratio=ratio * 1.4, **changes)


@pytest.mark.parametrize(
    ("ratio", "severity"), [(0.003, "error"), (0.05, "warning"), (20, "warning"), (200, "error")]
)
def test_weights_far_off_the_scheme(ratio, severity):
    [finding] = found("INI401", network(scaled("0", ratio)))
    assert finding.severity == severity
    assert finding.fingerprint == "INI401:0.weight"


@pytest.mark.parametrize(("function", "scheme"), [("relu", "he"), ("tanh", "xavier")])
def test_the_scheme_is_the_one_that_the_next_activation_wants(function, scheme):
    [finding] = found("INI401", network(scaled("0", 20), function=function))
    assert finding.measured["scheme"] == scheme


def test_a_weight_is_wrong_only_by_both_schemes():
    torch_default = weight("0", (1000, 64), he_ratio=0.41, xavier_ratio=13.0)
    assert not found("INI401", network(torch_default))


def test_embeddings_small_matrices_and_biases_are_not_judged():
    others = (
        scaled("0", 30, kind="embedding"),
        scaled("0", 30, elements=60),
        scaled("0", 30, shape=(100,)),
    )
    assert not found("INI401", network(*others))


def test_what_a_norm_follows_may_have_any_scale():
    sites = (data_in(), linear("0", "input"), site("n", Role.NORM, "0"), act("1", "n"))
    assert not found("INI401", scan(*sites, weights=(scaled("0", 200),)))


def test_trained_weights_have_a_scale_and_working_ones_do_no_harm():
    moved = scaled("0", 200, mean=1.0, elements=10_000)
    [unknown] = found("INI401", network(moved))
    [working] = found("INI401", network(moved, output=classifier()))
    [failing] = found("INI401", network(moved, output=classifier(**FAILING)))
    assert [one.severity for one in (unknown, working, failing)] == ["warning", "info", "error"]
    assert unknown.message.startswith("The scale of '0.weight' is 200 times too large")


def test_weights_alone_are_judged_with_less_confidence():
    [finding] = found("INI401", scan(weights=(scaled("0", 20),)))
    assert finding.confidence == "medium"


def test_a_hidden_layer_of_copies_is_an_error():
    [finding] = found("INI402", network(weight("0", identical_rows=9)))
    assert finding.severity is Severity.ERROR
    assert "has 10 rows that are all the same" in finding.message
    constant = weight("0", identical_rows=9, min=0.05, max=0.05)
    [finding] = found("INI402", network(constant))
    assert "holds 0.05 in all of its 100 places" in finding.message


def test_zero_outputs_frozen_filters_and_pruned_rows_are_no_symmetry():
    assert not found("INI402", network(weight("2", identical_rows=9, min=0.0, max=0.0)))
    assert not found("INI402", network(weight("0", identical_rows=9, trainable=False)))
    assert not found("INI402", network(weight("0", identical_rows=4)))
    [pruned] = found("INI402", network(weight("0", identical_rows=6)))
    assert pruned.severity is Severity.INFO


def chain(*widths: int, function=None):
    sites = [data_in()]
    before = "input"
    weights = []
    for place, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        name = f"fc{place}"
        sites.append(linear(name, before, units=outputs))
        weights.append(weight(name, (outputs, inputs)))
        before = name
        if function:
            sites.append(act(f"a{place}", name, function=function))
            before = f"a{place}"
    return scan(*sites, weights=tuple(weights))


def test_a_chain_of_linear_layers_is_one_finding():
    [finding] = found("ARC601", chain(64, 128, 64, 10))
    assert (finding.severity, finding.site) == (Severity.WARNING, "fc2")
    assert finding.message == (
        "'fc0', 'fc1' and 'fc2' follow each other with nothing non-linear between them: all "
        "together can do no more than one layer."
    )


def test_an_activation_between_them_is_healthy():
    assert not found("ARC601", chain(64, 128, 64, 10, function="relu"))


def test_a_layer_that_several_layers_use_ends_the_chain():
    projections = [linear(name, "mapping") for name in ("q", "k", "v")]
    residual = linear("out", "v", "mapping")
    sites = (data_in(), linear("mapping", "input"), *projections, residual)
    assert not found("ARC601", scan(*sites))
    deeper = (data_in(), linear("first", "input"), linear("mapping", "first"), *projections)
    [finding] = found("ARC601", scan(*deeper))
    assert (finding.site, finding.measured["layers"]) == ("mapping", ["first", "mapping"])


def test_a_layer_that_is_an_answer_itself_ends_the_chain():
    sites = (data_in(), linear("fusion", "input", returned=True), linear("head", "fusion"))
    assert not found("ARC601", scan(*sites))


def test_a_narrow_middle_is_deliberate():
    [finding] = found("ARC601", chain(64, 8, 64))
    assert finding.remedy.startswith("Nothing, where that is meant")
    assert finding.severity is Severity.INFO
    assert "low-rank" in finding.message


def test_an_embedding_a_norm_and_a_pooling_are_no_part_of_a_chain():
    table = linear("emb", "input", module_class="Embedding")
    norm, pool = site("n", Role.NORM, "fc"), site("pool", Role.BLOCK, "n", straight=False)
    rest = (linear("fc", "emb"), norm, pool, linear("head", "pool"))
    assert not found("ARC601", scan(data_in(), table, *rest))


def test_depthwise_then_pointwise_is_deliberate():
    sites = (
        data_in(),
        linear("dw", "input", role=Role.CONV, units=16),
        linear("pw", "dw", role=Role.CONV, units=32),
    )
    weights = (weight("dw", (16, 1, 3, 3)), weight("pw", (32, 16, 1, 1)))
    [finding] = found("ARC601", scan(*sites, weights=weights))
    assert finding.severity is Severity.INFO
    assert "depthwise" in finding.message


def test_a_small_head_of_an_untrained_model_is_by_design():
    assert not found("INI401", network(weight("0"), scaled("2", 0.05)))
    assert len(found("INI401", network(scaled("0", 0.05), scaled("2", 0.05)))) == 2
